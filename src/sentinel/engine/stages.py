"""The stages of one engine, the one list that everything goes through."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from sentinel import alerting, complaints, detect, entities, features, feedback, ingest, rules, text
from sentinel.model.events import Stream
from sentinel.model.stage import Stage


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of one engine, without any state yet."""

    position: ingest.Position
    customers: features.Customers
    detectors: detect.DetectorSet
    text: text.TextReader
    entity_rules: rules.EntityRules
    rules: rules.RuleSet
    alerting: alerting.Alerting
    alarms: complaints.Alarms
    complaints: complaints.Complaints
    collector: entities.Collector
    owner: entities.Owner
    rollups: entities.RollupBuffer
    entity_risk_sender: entities.EntityRiskSender
    entity_risk_cache: entities.EntityRiskCache
    verdicts: feedback.Verdicts
    label_buffer: feedback.LabelBuffer
    field_demand: Mapping[Stream, frozenset[str]]

    def stateful(self) -> dict[str, Stage]:
        """Those with state by their names, in their order."""
        found = ((each.name, getattr(self, each.name)) for each in fields(self))
        return {name: stage for name, stage in found if isinstance(stage, Stage)}
