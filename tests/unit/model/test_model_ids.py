"""Text hashes: stable, the same one by one and together, 0 only for missing."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.model.ids import hash_text, hash_texts

KNOWN = {
    "c0000001": 7913029907584276284,
    "客户一": 6602244919018185107,
}


def test_known_values_never_change() -> None:
    """Snapshots and alerts of old versions rely on these very numbers."""
    assert hash_text("c0000001") == KNOWN["c0000001"]
    assert hash_text("客户一") == KNOWN["客户一"]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=20)), max_size=20))
def test_one_by_one_and_together_agree(texts: list[str | None]) -> None:
    """A text's hash does not depend on its neighbours, zero bytes in them included."""
    together = hash_texts(texts)
    assert together.dtype == np.uint64
    assert together.tolist() == [0 if not text else hash_text(text) for text in texts]
    assert all(value != 0 for value, text in zip(together, texts, strict=True) if text)


def test_a_hundred_thousand_ids_do_not_collide() -> None:
    """Sequential ids, the common case, land on different numbers."""
    hashes = hash_texts([f"c{number:08d}" for number in range(100_000)])
    assert len(np.unique(hashes)) == 100_000
