"""Many terms found in one pass (Aho and Corasick, CACM 18:6, 1975)."""

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sentinel.model.kernel import kernel

Hit = tuple[int, int, int]
"""(first character, character after the last, number of the term)"""

_CODE_POINTS = 0x11_0000
_END, _TERM = 0, 1  # columns of the kernel's hits


class Automaton:
    """Finds every occurrence of every term, overlapping ones too.

    A full transition table: one look-up a character for any number of terms; its memory is
    the terms' characters times the different ones among them, 4 bytes each.
    """

    def __init__(self, terms: Sequence[str]) -> None:
        letters = sorted({letter for term in terms for letter in term})
        columns = {letter: column for column, letter in enumerate(letters, 1)}
        tree: list[dict[int, int]] = [{}]
        ends: dict[int, int] = {}
        for number, term in enumerate(terms):
            state = 0
            for letter in term:
                if columns[letter] not in tree[state]:
                    tree[state][columns[letter]] = len(tree)
                    tree.append({})
                state = tree[state][columns[letter]]
            ends[state] = number
        self._lengths = [len(term) for term in terms]
        self._class_of = np.zeros(_CODE_POINTS, np.int32)
        for letter, column in columns.items():
            self._class_of[ord(letter)] = column
        self._next = np.zeros((len(tree), len(letters) + 1), np.int32)
        self._term = np.full(len(tree), -1, np.int32)
        self._shorter = np.zeros(len(tree), np.int32)  # the longest suffix that ends a term
        for state, number in ends.items():
            self._term[state] = number
        self._link(tree)

    def _link(self, tree: list[dict[int, int]]) -> None:
        """Fill the table from the root on, each state from the one that it falls back to."""
        fallback = [0] * len(tree)
        queue = deque([0])
        while queue:
            state = queue.popleft()
            back = fallback[state]
            if state:
                self._next[state] = self._next[back]
                self._shorter[state] = back if self._term[back] >= 0 else self._shorter[back]
            for column, child in tree[state].items():
                fallback[child] = int(self._next[back, column]) if state else 0
                self._next[state, column] = child
                queue.append(child)

    def find(self, text: str) -> list[Hit]:
        """All occurrences, ordered by where they end, the longest first."""
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        hits = np.empty((2 * len(points) + 16, 2), np.int64)
        count = _scan(points, self._class_of, self._next, self._term, self._shorter, hits)
        if count > len(hits):
            hits = np.empty((count, 2), np.int64)
            _scan(points, self._class_of, self._next, self._term, self._shorter, hits)
        lengths = self._lengths
        return [(end - lengths[term], end, term) for end, term in hits[:count].tolist()]


@kernel
def _scan(
    points: NDArray[np.uint32],
    class_of: NDArray[np.int32],
    following: NDArray[np.int32],
    term: NDArray[np.int32],
    shorter: NDArray[np.int32],
    hits: NDArray[np.int64],
) -> int:
    """Write (end, term) of each occurrence while there is room; returns how many there are."""
    count, state = 0, 0
    for i in range(len(points)):
        state = following[state, class_of[points[i]]]
        found = state if term[state] >= 0 else shorter[state]
        while found:
            if count < len(hits):
                hits[count, _END] = i + 1
                hits[count, _TERM] = term[found]
            count += 1
            found = shorter[found]
    return count
