"""What ``sentinel deadletter`` prints: one line a letter, no control characters, plain sums."""

import json
from collections import Counter
from dataclasses import replace

from sentinel.cli.deadletter_replay import Counts, Result
from sentinel.cli.deadletter_text import letter_line, resent, resent_summary, summary, whole_letter
from sentinel.kafka.letter_topic import Letters
from sentinel.model.letter import Letter, RecordPosition, Repair, WholeLetter
from sentinel.replay.repair import MendedEvent

AT_MS = 1_767_571_200_000
LETTER = Letter(
    RecordPosition("s.logins", 0, 17), (1, 5), AT_MS, "schema", "d\x1b[2J\ne", 12, is_cut=True
)
REPAIR = Repair(AT_MS + 1_000, "li.wei")


def test_a_letter_is_one_line_without_control_characters() -> None:
    """Id, when, reason, size, cut, repair and detail."""
    line = letter_line(LETTER, as_json=False)
    assert line == "s.logins/0/17  2026-01-05T00:00:00Z  schema  12 bytes, cut  d\\x1b[2J\\ne"
    repaired = letter_line(
        replace(LETTER, repair=REPAIR, value_bytes=None, is_cut=False), as_json=False
    )
    assert "  no value  repaired 2026-01-05T00:00:01Z by li.wei  d" in repaired
    fields = json.loads(letter_line(replace(LETTER, repair=REPAIR), as_json=True))
    assert (fields["id"], fields["bytes"], fields["cut"]) == ("s.logins/0/17", 12, True)
    assert fields["repaired"] == {"at": "2026-01-05T00:00:01Z", "by": "li.wei"}


def test_a_value_that_is_not_utf_8_is_in_base64() -> None:
    """Also as JSON, where no value is null; headers likewise."""
    whole = WholeLetter(LETTER, b"\xff", {"key": b"\xfe"})
    assert whole_letter(whole, as_json=False).endswith("\nkey: /g==\nvalue_base64: /w==")
    assert json.loads(whole_letter(whole, as_json=True))["value_base64"] == "/w=="
    assert json.loads(whole_letter(replace(whole, value=None), as_json=True))["value"] is None


def test_the_summary_counts_by_reason_and_topic_and_tells_its_limit() -> None:
    """Most frequent first; what is not listed is said."""
    counts = Counter({("schema", "s.logins"): 1, ("malformed", "s.transactions"): 1_200})
    found = Letters([LETTER], counts, repaired=3, dropped=1_200)
    assert summary(found) == (
        "dead letters: 1,200 malformed of s.transactions, 1 schema of s.logins; 3 repaired\n"
        "only the newest 1 are listed (--limit, --since)"
    )
    assert summary(Letters()) == "dead letters: 0"


def test_a_result_says_what_has_become_of_its_letter() -> None:
    """Sent, late, stays; a dry run shows the events as JSON."""
    event = MendedEvent("l1", "C1", b"{}", is_late=True)
    assert resent(Result(LETTER, [event]), as_json=False) == "s.logins/0/17  sent, late"
    assert resent(Result(LETTER, stays="x\ny"), as_json=False) == "s.logins/0/17  stays: x\\ny"
    dry = json.loads(resent(Result(LETTER, [event], dry_run=True), as_json=True))
    assert (dry["outcome"], dry["event_ids"], dry["events"]) == ("would be sent", ["l1"], ["{}"])
    assert "events" not in json.loads(resent(Result(LETTER, [event]), as_json=True))


def test_the_sum_tells_how_many_raise_no_alert() -> None:
    """With the length of ``lateness``; what was sent before is counted."""
    text = resent_summary(Counts(sent=5, late=3, stay=1, repaired=2), 5_400_000)
    assert text == (
        "dead letters: 5 sent, 1 stay, 2 skipped: sent before\n"
        "3 of 5 are older than `lateness` (90 min): they update features and raise no alert; "
        "see docs/operations.md"
    )
    assert (
        resent_summary(Counts(sent=1, dry_run=True), 1) == "dead letters: 1 would be sent, 0 stay"
    )
