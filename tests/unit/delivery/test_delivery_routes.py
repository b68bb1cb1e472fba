"""The routing tree: who is paged, what is never reached, and wrong files."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.delivery.plans import TEXT, plan

from sentinel.delivery.channels import read_usable
from sentinel.delivery.declare import read_folder, read_plan
from sentinel.delivery.entries import Rate
from sentinel.delivery.routes import unreachable
from sentinel.model.document import ConfigError, parse

CONFIGS = Path(__file__).parents[3] / "configs"
BAD = Path(__file__).parent / "bad"
SHANGHAI = ZoneInfo("Asia/Shanghai")

TREE = """
  routes:
    - name: fraud
      match: ['risk="operational"']
      routes:
        - {name: red, match: ['tier="red"']}
        - {name: orange, match: ['tier="orange"'], ladder: [{channels: [duty]}]}
    - {name: copy, match: ['tier=~"red|orange"'], continue: true, ladder: [{channels: [cases]}]}
    - name: day
      match: ['risk="legal"']
      hours: {days: [mon, tue, wed, thu, fri], from: "09:00", to: "17:00"}
    - {name: legal, match: ['risk="legal"']}
"""


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp() * 1000)


def _names(moment: str = "2026-11-23T12:00", **labels: str) -> list[str]:
    text = TEXT[: TEXT.index("  routes:")] + TREE.lstrip("\n")
    return [route.name for route in plan(text).root.matching(labels, _ms(moment))]


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ({"risk": "operational", "tier": "red"}, ["red"]),
        ({"risk": "operational", "tier": "blue"}, ["fraud"]),
        ({"risk": "legal", "tier": "red"}, ["copy", "day"]),
        ({"risk": "legal", "tier": "blue"}, ["day"]),
        ({"risk": "credit", "tier": "orange"}, ["copy"]),
        ({"risk": "credit", "tier": "blue"}, ["everybody"]),
    ],
)
def test_the_deepest_first_match_takes_it_and_continue_goes_on(
    labels: dict[str, str], names: list[str]
) -> None:
    """Alertmanager's way through the tree."""
    assert _names(**labels) == names


def test_outside_its_hours_a_route_takes_nothing() -> None:
    """In the evening and on Sundays legal alerts go to the next route."""
    assert _names("2026-11-23T18:00", risk="legal", tier="blue") == ["legal"]
    assert _names("2026-11-22T12:00", risk="legal", tier="blue") == ["legal"]


def test_ladders_and_quiet_hours_are_inherited() -> None:
    """What a route does not say it has from its parent."""
    text = TEXT[: TEXT.index("  routes:")] + TREE.lstrip("\n")
    routes = {route.name: route for route in plan(text).root.walk()}
    assert routes["red"].ladder == routes["everybody"].ladder
    assert routes["orange"].ladder[0].channels == ("duty",)


def test_a_route_behind_a_wider_one_is_unreachable() -> None:
    """The same or fewer matchers, before it, without continue and hours."""
    text = (
        TEXT[: TEXT.index("  routes:")]
        + """
  routes:
    - {name: goes-on, match: ['tier="red"'], continue: true}
    - {name: by-day, match: ['tier="red"'], hours: {from: "09:00", to: "17:00"}}
    - {name: all-red, match: ['tier="red"']}
    - {name: never, match: ['risk="legal"', 'tier="red"']}
    - {name: sometimes, match: ['risk="legal"']}
""".lstrip("\n")
    )
    found = [(route.name, by.name) for route, by in unreachable(plan(text).root)]
    assert found == [("never", "all-red")]


def test_the_shipped_routes_and_what_is_commented_out_in_them_are_right() -> None:
    """Uncommented, the examples are read, and every channel is used by a route."""
    assert read_folder(CONFIGS).root.name == "everybody"
    text = (CONFIGS / "routes.yaml").read_text("utf-8")
    lines = [
        line.removeprefix("#") if line.startswith("#  ") else line for line in text.splitlines()
    ]
    whole = read_plan(parse("\n".join(lines), "routes.yaml"), SHANGHAI)
    used = {name for route in whole.root.walk() for rung in route.ladder for name in rung.channels}
    assert used | {"cases"} == set(whole.channels)
    assert {entry.type for entry in whole.channels.values()} == {
        "alertmanager",
        "pagerduty",
        "webhook",
        "dingtalk",
        "wecom",
        "feishu",
        "slack",
        "teams",
        "apprise",
    }


@pytest.mark.parametrize(
    ("kind", "pages"),
    [("dingtalk", 20), ("wecom", 20), ("feishu", 100), ("slack", 60), ("teams", 60)],
)
def test_a_robots_usual_rate_is_within_its_own_limit(kind: str, pages: int) -> None:
    """Without ``rate``; one that is written replaces it."""
    text = TEXT.replace("type: apprise", f"type: {kind}")
    assert plan(text).channels["chat"].rate == Rate(2, "1m")
    usual = plan(text.replace(", rate: {pages: 2, per: 1m}", "")).channels["chat"].rate
    assert usual == Rate(pages, "1m")


@pytest.mark.parametrize("path", sorted(BAD.glob("*.yaml")), ids=lambda path: path.stem)
def test_wrong_routes_are_refused_with_their_message(path: Path) -> None:
    """Each file in ``bad/`` opens with the exact message that it must cause."""
    text = path.read_text(encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_plan(parse(text, path.name), SHANGHAI)
    assert str(caught.value) == text.splitlines()[0].removeprefix("# ")


def test_there_are_wrong_routes() -> None:
    """The test above would pass on an empty folder."""
    assert len(list(BAD.glob("*.yaml"))) >= 9


def test_a_channel_that_cannot_be_opened_is_refused_where_its_secrets_are(tmp_path: Path) -> None:
    """With place and without the URL; elsewhere nobody can know."""
    for path in CONFIGS.glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text("utf-8"), "utf-8")
    text = (BAD / "unknown-channel.yaml").read_text("utf-8").replace("dutty", "duty")
    hook = text.replace('"http://x"', "{env: URL}")
    (tmp_path / "routes.yaml").write_text(hook, "utf-8")
    assert set(read_usable(tmp_path, {}).channels) == {"duty"}
    key = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
    assert set(read_usable(tmp_path, {"K": key, "URL": "https://x/s3cret"}).channels) == {"duty"}
    with pytest.raises(ConfigError) as caught:
        read_usable(tmp_path, {"K": key, "URL": "x.example/s3cret"})
    assert str(caught.value) == (
        "routes.yaml:7:9: its url is not one of http:// or https:// and a host"
    )
