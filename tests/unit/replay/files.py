"""Small files of every sort, and what is read from them."""

import gzip
from pathlib import Path

import msgspec

from sentinel.model.document import parse
from sentinel.replay import mapping
from sentinel.replay.block import Block
from sentinel.replay.source import Source

CARDS = b"""ID,AT,WHO,SUM\r
1,2026-01-05T10:00:00Z,ann,5.50\r
2,2026-01-05T10:00:01Z,"bob ""b"", jr.",7\r
"""
MAP = mapping.load(
    parse(
        """
stream: transaction
fields:
  event_id: ID
  event_time: AT
  customer_id: WHO
  kind: {value: card}
  direction: {value: debit}
  amount: SUM
""",
        "map.yaml",
    )
)
OURS = b'{"event_id":"1","event_time":"1970-01-01T00:00:01Z"}\n\nbroken\n{"event_time":"soon"}\n'


def write(path: Path, data: bytes) -> str:
    """The path of a file with ``data``, zipped if its name says so."""
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return str(path)


def only(source: Source) -> Block:
    """The single block of ``source``."""
    (block,) = source.blocks()
    return block


def customers(block: Block) -> list[str]:
    """The customers of a block's events."""
    return [msgspec.json.decode(value)["customer_id"] for value in block.values]


def letters(source: Source) -> list[tuple[int, str, bytes | None]]:
    """Row, detail and value of each dead letter of ``source``."""
    return [(each.offset, each.detail, each.value) for each in source.drain_refused()]
