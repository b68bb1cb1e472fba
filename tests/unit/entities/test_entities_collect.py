"""Collecting for shared entities, at the edges that the oracle does not reach."""

import msgspec

from sentinel.engine import Configuration, Engine
from sentinel.model.entity import EntityKind
from sentinel.model.events import Stream
from sentinel.model.step import Chunk, Step
from sentinel.settings import read_configuration

AT_MS = 1_767_571_200_000
BY_THE_BANK = """\
rules:
  - id: by.the.bank
    title: {en: A reversal, zh: 冲正}
    owner: tests
    risk: liquidity
    severity: 20
    by: bank
    when: reversed_1h > 0
"""


def test_the_bank_is_collected_where_no_event_names_anything_else() -> None:
    """Then no text of an event is kept, and the bank's own id is told."""
    files = {
        name: text
        for name, text in read_configuration(None).files.items()
        if not name.startswith("rules/")
    }
    engine = Engine(Configuration.parse({**files, "rules/tests.yaml": BY_THE_BANK}))
    event = {
        "event_id": "E1",
        "event_time": AT_MS,
        "customer_id": "C1",
        "kind": "transfer",
        "direction": "debit",
        "amount": 5,
        "currency": "CNY",
        "status": "reversed",
        "account_id": "A1",
        "channel": "mobile",
        "product": "current_account",
    }
    value = msgspec.json.encode(event)
    chunk = Chunk(Stream.TRANSACTION, "t", 0, [0], [AT_MS], [None], [value])
    (block,) = engine.process(Step(AT_MS, [chunk])).emitted.rollups
    assert block.kind is EntityKind.BANK
    assert (block.text.tobytes(), block.ends.tolist()) == (b"bank", [4])
