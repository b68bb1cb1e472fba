"""How far each partition is stored: written in the transaction of what was read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    MetaData,
    String,
    Table,
    insert,
    select,
    update,
)

R = TypeVar("R")


class UnstorableError(Exception):
    """One of the records cannot be stored, for a reason that will not pass."""


@dataclass(frozen=True)  # with slots, Python 3.11 cannot make one of `Read[R]`
class Read(Generic[R]):
    """Records of one partition, ``partition`` (``topic-partition``), with their offsets.

    All records from offset ``start`` to before ``end`` are in it, but those that cannot be read.
    """

    partition: str
    start: int
    end: int
    records: Sequence[tuple[int, R]]

    @property
    def topic(self) -> str:
        """The partition's topic."""
        return self.partition.rpartition("-")[0]

    def each(self) -> "Iterator[Read[R]]":
        """The same record by record, without a gap between them."""
        start = self.start
        for offset, record in self.records:
            yield Read(self.partition, start, offset + 1, [(offset, record)])
            start = offset + 1
        if start < self.end:
            yield Read(self.partition, start, self.end, [])


def offsets_table(tables: MetaData, name: str = "offsets") -> Table:
    """By partition (``topic-partition``) the last offset that is stored."""
    return Table(
        name,
        tables,
        Column("place", String(255), key="partition", primary_key=True),
        Column("last", BigInteger, nullable=False),
    )


def first_missing(connection: Connection, offsets: Table, partition: str) -> int | None:
    """The first offset of a partition that is not stored; None if nothing of it is."""
    last = connection.scalar(select(offsets.c.last).where(offsets.c.partition == partition))
    return None if last is None else int(last) + 1


def advance(connection: Connection, offsets: Table, read: Read[R]) -> list[tuple[int, R]]:
    """Note that all that was read is stored; returns the records that were not stored before.

    The caller stores these in the same transaction.  Whether there is a gap before the first one
    is the caller's question.
    """
    first = first_missing(connection, offsets, read.partition)
    if first is None:
        connection.execute(insert(offsets).values(partition=read.partition, last=read.end - 1))
        return list(read.records)
    if read.end > first:
        where = offsets.c.partition == read.partition
        connection.execute(update(offsets).where(where).values(last=read.end - 1))
    return [(offset, record) for offset, record in read.records if offset >= first]
