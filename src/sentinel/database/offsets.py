"""How far each partition is stored: written in the transaction of what was read."""

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


def offsets_table(tables: MetaData, name: str = "offsets") -> Table:
    """By partition (``topic-partition``) the last offset that is stored."""
    return Table(
        name,
        tables,
        Column("place", String(255), key="partition", primary_key=True),
        Column("last", BigInteger, nullable=False),
    )


def last_offset(connection: Connection, offsets: Table, partition: str) -> int | None:
    """The last offset of a partition that is stored; None if none is."""
    found = connection.scalar(select(offsets.c.last).where(offsets.c.partition == partition))
    return None if found is None else int(found)


def advance(
    connection: Connection, offsets: Table, partition: str, last: int | None, end: int
) -> None:
    """Note that all offsets before ``end`` are stored; ``last`` is the last one so far."""
    if last is None:
        connection.execute(insert(offsets).values(partition=partition, last=end - 1))
    elif end - 1 > last:
        where = offsets.c.partition == partition
        connection.execute(update(offsets).where(where).values(last=end - 1))
