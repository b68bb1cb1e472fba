"""A snapshot of a shard: all state after a step, in chunks of one transaction."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from sentinel.engine import digest_of
from sentinel.model.stage import Buffer

FORMAT = 1
"""Of the parts of an engine; a snapshot of another format cannot be read."""

CHUNK_BYTES = 512 << 10
KEPT = 2
"""Whole snapshots of a shard that the compacted topic holds on to."""


class SnapshotError(Exception):
    """The chunks are not one whole snapshot."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All state of a shard before step ``next_step``.

    ``journalled`` is the journal's offset of the step before, ``number`` counts the shard's
    snapshots.
    """

    number: int
    next_step: int
    journalled: int
    applied: Mapping[str, int]
    config_version: str
    parts: Mapping[str, Buffer]


class Manifest(Struct, frozen=True):
    """The last record of a snapshot: it describes the chunks before it, from ``first_chunk`` on."""

    format: int
    number: int
    next_step: int
    journalled: int
    applied: dict[str, int]
    config_version: str
    lengths: list[tuple[str, int]]
    digest: str
    first_chunk: int


def manifest_of(snapshot: Snapshot, first_chunk: int) -> Manifest:
    """The manifest of a snapshot whose first chunk stands at that offset."""
    return Manifest(
        FORMAT,
        snapshot.number,
        snapshot.next_step,
        snapshot.journalled,
        dict(snapshot.applied),
        snapshot.config_version,
        [(name, len(part)) for name, part in snapshot.parts.items()],
        digest_of(snapshot.parts),
        first_chunk,
    )


def chunks_of(snapshot: Snapshot) -> Iterator[bytes]:
    """The parts one after another, cut into chunks of equal size; the last may be shorter."""
    pieces: list[memoryview] = []
    size = 0
    for part in snapshot.parts.values():
        view = memoryview(part)
        while view:
            piece = view[: CHUNK_BYTES - size]
            view = view[len(piece) :]
            pieces.append(piece)
            size += len(piece)
            if size == CHUNK_BYTES:
                yield b"".join(pieces)
                pieces, size = [], 0
    if pieces:
        yield b"".join(pieces)


def assemble(manifest: Manifest, chunks: Iterable[bytes]) -> Snapshot:
    """Join the chunks to a snapshot; raises SnapshotError where it is torn or of another format."""
    if manifest.format != FORMAT:
        raise SnapshotError(f"format {manifest.format}, this version reads {FORMAT}")
    whole = memoryview(b"".join(chunks))  # its slices copy nothing
    parts: dict[str, Buffer] = {}
    at = 0
    for name, length in manifest.lengths:
        parts[name] = whole[at : at + length]
        at += length
    if at != len(whole) or digest_of(parts) != manifest.digest:
        raise SnapshotError("torn")
    return Snapshot(
        manifest.number,
        manifest.next_step,
        manifest.journalled,
        manifest.applied,
        manifest.config_version,
        parts,
    )


def encode(manifest: Manifest) -> bytes:
    """The manifest as JSON."""
    return msgspec.json.encode(manifest)


def decode(value: bytes) -> Manifest:
    """The manifest of a message; raises msgspec.DecodeError."""
    return msgspec.json.decode(value, type=Manifest)
