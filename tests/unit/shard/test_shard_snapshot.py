"""Snapshots: cut into chunks and put together again, or refused."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.shard import snapshot as form
from sentinel.shard.snapshot import Snapshot, SnapshotError, assemble, chunks_of, manifest_of


def _snapshot(parts: dict[str, bytes]) -> Snapshot:
    return Snapshot(3, 7, 12, {"t.logins": 5}, "v", parts)


@given(st.dictionaries(st.text(max_size=3), st.binary(max_size=40), max_size=5))
def test_there_and_back(parts: dict[str, bytes]) -> None:
    """Whatever the parts are, empty ones too, they come back as they were."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(form, "CHUNK_BYTES", 7)
        snapshot = _snapshot(parts)
        chunks = list(chunks_of(snapshot))
        assert all(len(chunk) == 7 for chunk in chunks[:-1])
        manifest = form.decode(form.encode(manifest_of(snapshot, 0)))
        assert assemble(manifest, chunks) == snapshot


@pytest.mark.parametrize(
    "torn", [[], [b"abc"], [b"abcd", b"ef", b"gh"], [b"abxdef", b"gh"], [b"efgh", b"abcd"]]
)
def test_a_torn_one_is_refused(torn: list[bytes]) -> None:
    """A chunk that is missing, cut, doubled, changed or out of order."""
    snapshot = _snapshot({"a": b"abcdef", "b": b"g"})
    with pytest.raises(SnapshotError, match="torn"):
        assemble(manifest_of(snapshot, 0), torn)


def test_another_format_is_refused() -> None:
    """What another version of Sentinel wrote is not guessed at."""
    snapshot = _snapshot({"a": b"abc"})
    manifest = form.decode(
        form.encode(manifest_of(snapshot, 0)).replace(b'"format":1', b'"format":2')
    )
    with pytest.raises(SnapshotError, match="format 2, this version reads 1"):
        assemble(manifest, [b"abc"])


def test_the_digest_tells_parts_apart() -> None:
    """The same bytes under other names, or cut elsewhere, are another state."""
    one = manifest_of(_snapshot({"a": b"ab", "b": b"c"}), 0).digest
    for parts in ({"a": b"a", "b": b"bc"}, {"b": b"ab", "c": b"c"}):
        assert manifest_of(replace(_snapshot({}), parts=parts), 0).digest != one
