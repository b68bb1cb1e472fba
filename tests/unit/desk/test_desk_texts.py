"""The pages' texts: both languages are complete, and the pages use what there is."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from sentinel.complaints import Duty
from sentinel.desk.complaints import BY, Tab
from sentinel.desk.outgoing import Status
from sentinel.desk.queue import View
from sentinel.desk.snoozes import SnoozeFor
from sentinel.desk.texts import NAMES, Texts
from sentinel.desk.words import Language
from sentinel.model.alert import Change, Escalation, Resolution, Suppression, Tier
from sentinel.model.entity import CUSTOMER, EntityKind
from sentinel.model.events import Stream
from sentinel.model.response import ResponseKind, Verdict
from sentinel.model.signal import Risk

DESK = Path(__file__).parents[3] / "src/sentinel/desk"
_GROUPS: Mapping[str, Iterable[str]] = {
    "tier": Tier,
    "risk": Risk,
    "change": Change,
    "resolution": Resolution,
    "suppression": Suppression,
    "stream": Stream,
    "escalation": Escalation,
    "view": View,
    "snooze": SnoozeFor,
    "verdict": Verdict,
    "status": Status,
    "tab": Tab,
    "by": BY,
    "duty": Duty,
    "language": Language,
    "entity": [*EntityKind, CUSTOMER, "complaint"],
    "kind": [each for each in ResponseKind if each is not ResponseKind.DISPOSITION],
}


def _named() -> set[str]:
    """Every text that a page or a line of Python asks for."""
    sources = [*DESK.glob("templates/*.html"), *DESK.glob("*.py")]
    text = "\n".join(path.read_text("utf-8") for path in sources)
    return set(
        re.findall(r"""\b(?:t|texts|texts_of\(request\))(?:\.|\[['"])([a-z_]+)""", text)
    ) | set(re.findall(r'"text": "([a-z_]+)"', text))


def test_every_word_of_an_alert_has_a_text() -> None:
    """Of all tiers, changes, measures and the rest that a page shows."""
    texts = Texts(Language.EN)
    missing = {
        f"{group}_{value}"
        for group, values in _GROUPS.items()
        for value in values
        if f"{group}_{value}" not in texts
    }
    assert missing == set()


def test_every_text_that_is_asked_for_is_there_and_no_other() -> None:
    """Nothing is shown as its name, and nothing is written for nobody."""
    grouped = {f"{group}_{value}" for group, values in _GROUPS.items() for value in values}
    asked = _named() - {"word"}
    assert asked - NAMES == set()
    assert NAMES - asked - grouped == {"forbidden"}


def test_both_languages_have_the_same_gaps() -> None:
    """What is put into a text is put into it in both."""
    chinese, english = Texts(Language.ZH), Texts(Language.EN)
    for name in NAMES:
        gaps = [sorted(re.findall(r"\{\d?\}", getattr(each, name))) for each in (chinese, english)]
        assert len(gaps[0]) == len(gaps[1]), name


def test_chinese_is_chinese() -> None:
    """No text was left in English, and punctuation is full width."""
    texts = Texts(Language.ZH)
    for name in NAMES - {"language"}:
        shown = getattr(texts, name)
        assert re.search(r"[\u4e00-\u9fff]", shown), name
        assert not re.search(r"[\u4e00-\u9fff][,;:!?]", shown), name
