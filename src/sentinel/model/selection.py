"""Matchers that select alerts: over the labels that alerts have and the values these can take.

:mod:`sentinel.model.matcher` has the language, which is Alertmanager's.  Here are the limits of
it that find mistakes: a label that no alert has is the empty string to every matcher, so a typing
error would select no alert, or all of them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from sentinel.model.alert import Tier
from sentinel.model.document import Document, Path, WrongTextError, did_you_mean
from sentinel.model.entity import CUSTOMER, EntityKind
from sentinel.model.matcher import Matcher, parse_matcher
from sentinel.model.signal import Risk

_CLOSED: Mapping[str, Sequence[str]] = {
    "tier": [tier.value for tier in Tier],
    "risk": [risk.value for risk in Risk],
    "entity_kind": [CUSTOMER, *(kind.value for kind in EntityKind)],
}
LABELS = (*_CLOSED, "entity", "rule")
"""The names in :attr:`sentinel.model.alert.Alert.labels`."""

_SAMPLES = ("C-1", "mule.fan-in", "商户 7")
"""Stand for any entity and rule, whose values are not a closed set."""
_JOINED = re.compile(r",|=|!~")


def parse_alert_matcher(text: str) -> Matcher:
    """The matcher that ``text`` writes, if an alert can satisfy it; raises WrongTextError.

    >>> str(parse_alert_matcher("tier=~red|orange"))
    'tier=~"red|orange"'
    """
    try:
        matcher = parse_matcher(text)
    except WrongTextError as error:
        hint = "write each matcher as a text of its own" if "," in text else error.hint
        raise WrongTextError(error.message, hint) from None
    bare = '"' not in text
    if bare and _JOINED.search(matcher.value):
        hint = "quote the value, or write each matcher as a text of its own"
        raise WrongTextError(f'"{matcher.value}" is not a plain value', hint)
    refuse_unknown_label(matcher.name)
    _refuse_unknown_value(matcher)
    return matcher


def refuse_unknown_label(name: str) -> None:
    """Raise WrongTextError if alerts have no such label."""
    if name not in LABELS:
        hint = did_you_mean(name, LABELS) or f"labels are {', '.join(LABELS)}"
        raise WrongTextError(f'alerts have no label "{name}"', hint)


def _refuse_unknown_value(matcher: Matcher) -> None:
    words = _CLOSED.get(matcher.name)
    if words is None:
        return
    hint = f"it is one of {', '.join(words)}"
    if matcher.op in ("=", "!="):
        if matcher.value not in words:
            hint = did_you_mean(matcher.value, words) or hint
            raise WrongTextError(f'no alert has the {matcher.name} "{matcher.value}"', hint)
        return
    found = Matcher(matcher.name, "=~", matcher.value)
    if not any(_satisfies(word, [found]) for word in words):
        raise WrongTextError(f'"{matcher.value}" matches no {matcher.name}', hint)


def refuse_contradiction(matchers: Iterable[Matcher]) -> None:
    """Raise WrongTextError if no value of some label satisfies all the matchers on it."""
    by_label: dict[str, list[Matcher]] = {}
    for matcher in matchers:
        by_label.setdefault(matcher.name, []).append(matcher)
    for name, given in by_label.items():
        wanted = [each.value for each in given if each.op == "="]
        values = _CLOSED.get(name) or wanted
        if values and not any(_satisfies(value, given) for value in values):
            both = " and ".join(map(str, given))
            either = f'either of them is {name}=~"{"|".join(dict.fromkeys(wanted))}"'
            hint = either if name in _CLOSED and len(wanted) == len(given) else ""
            raise WrongTextError(f"no {name} satisfies {both}: this never matches", hint)


def select_nearly_all(matchers: Iterable[Matcher]) -> bool:
    """Whether the matchers select every alert, or all but those of some entities or rules."""
    return all(
        _satisfies(value, [matcher])
        for matcher in matchers
        for value in _CLOSED.get(matcher.name, _SAMPLES)
    )


def read_matchers(
    document: Document, path: Path, texts: Iterable[str], above: Sequence[Matcher] = ()
) -> tuple[Matcher, ...]:
    """The matchers in the list at ``path``, which an alert satisfies together with ``above``.

    Raises :class:`~sentinel.model.document.ConfigError` at the first that is wrong.
    """
    found: list[Matcher] = []
    for n, text in enumerate(texts):
        try:
            found.append(parse_alert_matcher(text))
            refuse_contradiction((*above, *found))
        except WrongTextError as error:
            raise document.wrong_text((*path, n), error) from None
    return tuple(found)


def _satisfies(value: str, matchers: Iterable[Matcher]) -> bool:
    return all(matcher.matches({matcher.name: value}) for matcher in matchers)
