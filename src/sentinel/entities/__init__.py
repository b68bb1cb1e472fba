"""Shared entities: devices, addresses, merchants, payees, products, branches, channels, the bank.

``declare`` reads their measures, ``layout`` gives them words.  ``collect`` sums a step's events
up on the customer's shard, ``wire`` carries the rows to the owner of each entity, ``owner``
keeps their windows there; ``entity_risk`` sends the risky ones to every shard.
"""

from sentinel.entities.collect import Collector
from sentinel.entities.declare import Measures, declare
from sentinel.entities.entity_risk import EntityRiskCache, EntityRiskSender, risk_columns
from sentinel.entities.layout import PANE_MS, TICK_MS, lay_out
from sentinel.entities.owner import Owner
from sentinel.entities.rollup_buffer import RollupBuffer
from sentinel.entities.rows import RollupRows
from sentinel.entities.wire import Rollup, records

__all__ = [
    "PANE_MS",
    "TICK_MS",
    "Collector",
    "EntityRiskCache",
    "EntityRiskSender",
    "Measures",
    "Owner",
    "Rollup",
    "RollupBuffer",
    "RollupRows",
    "declare",
    "lay_out",
    "records",
    "risk_columns",
]
