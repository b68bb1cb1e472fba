"""Channels that cannot be opened."""

from pathlib import Path

import pytest
from tests.delivery.listener import ROUTING_KEY

from sentinel.delivery.channels import open_channel
from sentinel.delivery.entries import ChannelEntry, ChannelError, Secret

ODD = {
    "ODD": "s3cret!",
    "PREFIX": "whsec_",
    "BLANK": " \n",
    "NO_SCHEME": "hooks.bank.example/s3cret",
    "NO_HOST": "https:///s3cret",
    "NO_PORT": "https://x:s3cret/",
    "TWO_LINES": "https://x/s3\ncret",
}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            ChannelEntry("webhook", "http://x", Secret(env="NO_SUCH")),
            "channel c: NO_SUCH is not set",
        ),
        (
            ChannelEntry("webhook", "http://x", Secret(file="/no/such")),
            "channel c: /no/such: No such file or directory",
        ),
        (
            ChannelEntry("webhook", "http://x", Secret(env="ODD")),
            "channel c: its key is not base64 after whsec_",
        ),
        (
            ChannelEntry("webhook", "http://x", Secret(env="PREFIX")),
            "channel c: its key has less than 24 bytes",
        ),
        (ChannelEntry("webhook", "http://x", Secret(env="BLANK")), "channel c: BLANK is not set"),
        (
            ChannelEntry("pagerduty", "http://x", Secret(env="ODD")),
            "channel c: a routing key has 32 characters, and its key has not",
        ),
        *(
            (
                ChannelEntry("alertmanager", Secret(env=name)),
                "channel c: its url is not one of http:// or https:// and a host",
            )
            for name in ("ODD", "NO_SCHEME", "NO_HOST", "NO_PORT", "TWO_LINES")
        ),
        (ChannelEntry("apprise", Secret(env="ODD")), "channel c: Apprise cannot read its url"),
    ],
)
def test_a_channel_that_cannot_be_opened_says_what_is_missing(
    entry: ChannelEntry, message: str
) -> None:
    """And never the secret itself."""
    with pytest.raises(ChannelError) as caught:
        open_channel(entry, "c", ODD)
    assert str(caught.value) == message


def test_white_space_around_a_secret_is_not_of_it(tmp_path: Path) -> None:
    """A newline at the end of a variable or a file is nobody's key."""
    (tmp_path / "key").write_text(f"{ROUTING_KEY}\n", encoding="utf-8")
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    assert Secret(env="K").read({"K": f" {ROUTING_KEY}\n"}) == ROUTING_KEY
    assert Secret(file=str(tmp_path / "key")).read({}) == ROUTING_KEY
    with pytest.raises(ChannelError, match="empty is empty"):
        Secret(file=str(tmp_path / "empty")).read({})
