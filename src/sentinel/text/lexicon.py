"""The intents that a text affirms or negates, by terms of a lexicon.

Negation after NegEx (Chapman et al., A Simple Algorithm for Identifying Negated Findings,
J Biomed Inform 34, 2001): a cue before a term negates it, within a few words and inside the
clause.  Terms, cues and look-alikes ("not only", 不得不) are found in one pass and the longest
from the left wins, so that a term with a cue in it ("did not authorise", 未经授权) is no cue.
Cues in a row cancel out (不是没有).  It fails where the terms do not show the meaning: irony,
questions, reported speech.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise

from sentinel.text.automaton import Automaton
from sentinel.text.fold import fold

STEM = "*"
_CLAUSE_END = re.compile(r"[.,;:!?。、]")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_WORD = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|[^\W_\u3400-\u4dbf\u4e00-\u9fff]+")


class Role(Enum):
    """The role of a phrase in a text."""

    TERM = auto()
    CUE = auto()  # what follows is not so
    LOOK_ALIKE = auto()  # contains a cue, and negates nothing
    TURN = auto()  # ends what a cue before it negates


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase as written, folded; a Latin one ending in ``*`` may go on inside its word."""

    text: str
    role: Role
    intent: int = -1


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    phrase: Phrase


class Lexicon:
    """Finds intents in texts.

    ``severities`` maps each intent to the weight from 0 to 100 that it has by itself; ``reach``
    is how many words (or Chinese characters) after a cue are negated.
    """

    def __init__(
        self, severities: Mapping[str, int], phrases: Sequence[Phrase], reach: int
    ) -> None:
        self._severities, self._phrases, self._reach = severities, phrases, reach
        self._intents = tuple(severities)
        self._automaton = Automaton([each.text.removesuffix(STEM) for each in phrases])

    def intents(self, text: str) -> dict[str, int]:
        """The intents that ``text`` affirms with their severities, in the lexicon's order."""
        folded = fold(text)
        affirmed = {
            found.phrase.intent
            for found, negated in self._judged(folded, self._phrases_in(folded))
            if not negated
        }
        return {
            intent: self._severities[intent]
            for index, intent in enumerate(self._intents)
            if index in affirmed
        }

    def _phrases_in(self, folded: str) -> list[_Found]:
        """The phrases of a text that stand as words of their own; the longest from the left."""
        hits = [
            _Found(start, end, self._phrases[number])
            for start, end, number in self._automaton.find(folded)
        ]
        whole = [each for each in hits if _stands_alone(folded, each)]
        whole.sort(key=lambda each: (each.start, -each.end))
        chosen: list[_Found] = []
        for each in whole:
            if not chosen or each.start >= chosen[-1].end:
                chosen.append(each)
        return chosen

    def _judged(self, folded: str, found: Sequence[_Found]) -> list[tuple[_Found, bool]]:
        """Every term with whether it is negated."""
        judged: list[tuple[_Found, bool]] = []
        cue_end, negating = 0, False
        for before, each in pairwise([None, *found]):
            assert each is not None  # noqa: S101 - only the first is
            if negating and before is not None:
                gap = folded[before.end : each.start]
                far = len(_WORD.findall(folded[cue_end : each.start])) > self._reach
                negating = not far and not _CLAUSE_END.search(gap)
            match each.phrase.role:
                case Role.CUE:
                    cue_end, negating = each.end, not negating
                case Role.TURN:
                    negating = False
                case Role.TERM:
                    judged.append((each, negating))
        return judged


def severity(intents: Mapping[str, int]) -> float:
    """How grave several intents are together, 0 to 100: independent doubts multiply."""
    doubt = 1.0
    for weight in intents.values():
        doubt *= 1 - weight / 100
    return round(100 * (1 - doubt), 2)


def _stands_alone(folded: str, found: _Found) -> bool:
    """Whether a phrase does not begin or end inside a Latin word or a number."""
    first, last = found.start, found.end
    stem = found.phrase.text.endswith(STEM)
    return not (
        _inside(folded[first - 1 : first], folded[first])
        or (not stem and _inside(folded[last : last + 1], folded[last - 1]))
    )


def _inside(neighbour: str, edge: str) -> bool:
    return _is_latin(neighbour) and _is_latin(edge)


def _is_latin(letter: str) -> bool:
    return letter.isalnum() and not _HAN.match(letter)
