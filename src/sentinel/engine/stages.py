"""The stages of one engine, the one list that everything goes through, and how each is made."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from sentinel import alerting, complaints, detect, entities, features, feedback, ingest, rules, text
from sentinel.model.columns import FIELDS, Schema
from sentinel.model.entity import EntityKind
from sentinel.model.events import Stream
from sentinel.model.share import Share
from sentinel.model.stage import Stage

if TYPE_CHECKING:  # a configuration is checked by making its stages
    from sentinel.engine.configuration import Configuration


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


def build(configuration: "Configuration", share: Share) -> Stages:
    """Fresh stages of a shard; ``share`` is its part of what the desk can do.

    Only what some rule reads, directly or through a detector, is computed.  Raises ConfigError.
    """
    documents, bounds = configuration.documents, configuration.bounds
    zone, hasher = bounds.local_time.zone, configuration.hasher
    detectors = detect.load(documents["detectors.yaml"], _with_features(configuration.declarations))
    rule_set = _rules(configuration, detectors)
    detectors = detectors.narrowed(rule_set.demand)
    demand = {
        stream: rule_set.demand.get(stream, frozenset()) | detectors.demand.get(stream, frozenset())
        for stream in Stream
    }
    compiler = rules.ConditionCompiler(hasher)
    feature_set = features.FeatureSet(
        configuration.declarations,
        demand,
        compiler,
        bounds.local_time,
        bounds.max_customers,
        bounds.max_overflow_customers,
    )
    entity_rules = _entity_rules(configuration)
    layout = entities.lay_out(configuration.measures, entity_rules.demand)
    collector = entities.Collector(layout, configuration.measures, compiler, hasher)
    entity_risk_cache = entities.EntityRiskCache(demand, hasher)
    capacity = bounds.max_held_transactions if collector.needs_labels else 0
    return Stages(
        position=ingest.Position(bounds.ingest.remembered_events),
        customers=features.Customers(feature_set, bounds.max_customers, bounds.customer_ttl_ms),
        detectors=detectors,
        text=text.TextReader(configuration.text, demand[Stream.COMPLAINT], hasher),
        rules=rule_set,
        alerting=alerting.load(
            documents["tiers.yaml"],
            documents["suppression.yaml"],
            zone,
            hasher,
            share,
            configuration.terms,
        ),
        complaints=complaints.load(documents["complaints.yaml"], zone),
        alarms=complaints.Alarms(zone),
        collector=collector,
        owner=entities.Owner(layout, bounds.max_entities),
        rollups=entities.RollupBuffer(),
        entity_rules=entity_rules,
        entity_risk_sender=entities.EntityRiskSender(),
        entity_risk_cache=entity_risk_cache,
        verdicts=feedback.Verdicts(bounds.max_fired_events),
        label_buffer=feedback.LabelBuffer(capacity, collector.labelled_fields, hasher),
        field_demand=_field_demand(
            demand,
            feature_set.field_demand,
            collector.field_demand,
            entity_risk_cache.field_demand,
        ),
    )


def _rules(configuration: "Configuration", detectors: detect.DetectorSet) -> rules.RuleSet:
    """The rules; they can ask for fields, features, scores, texts and risks of each stream."""
    schema = {
        stream: {
            **columns,
            **detectors.columns.get(stream, {}),
            **(configuration.text.columns if stream is Stream.COMPLAINT else {}),
            **entities.risk_columns(stream),
        }
        for stream, columns in _with_features(configuration.declarations).items()
    }
    return rules.load(
        configuration.rule_documents,
        schema,
        configuration.lists,
        configuration.only,
        configuration.hasher,
        configuration.bounds.ingest.rates,
    )


def _entity_rules(configuration: "Configuration") -> rules.EntityRules:
    """The rules by shared entities, over the measures of each kind."""
    schema = {kind: configuration.measures.columns(kind) for kind in EntityKind}
    return rules.load_entity_rules(
        configuration.rule_documents,
        schema,
        configuration.only,
        configuration.hasher,
        configuration.bounds.ingest.rates,
    )


def _with_features(declarations: features.Declarations) -> Schema:
    """Event fields and, on every stream, all features."""
    columns = {feature.name: feature.column for feature in declarations.features}
    return {stream: {**own, **columns} for stream, own in FIELDS.items()}


def _field_demand(
    columns: Mapping[Stream, frozenset[str]], *fields_of: Mapping[Stream, frozenset[str]]
) -> dict[Stream, frozenset[str]]:
    """The event fields that anything reads, by stream: among the columns, and by the stages."""
    return {
        stream: frozenset(columns[stream] & FIELDS[stream].keys()).union(
            *(each[stream] for each in fields_of)
        )
        for stream in Stream
    }
