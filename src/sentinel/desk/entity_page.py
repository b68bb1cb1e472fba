"""The page of an entity: its alerts, and of a customer everything that happened, in one order."""

from typing import Any

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.response import Template

from sentinel.desk.audit import Action
from sentinel.desk.desk import Desk, now_ms
from sentinel.desk.door import log, needs
from sentinel.desk.roles import Permission
from sentinel.desk.timeline import MOST_EVENTS, SPANS, timeline
from sentinel.desk.view import AnyRequest, language_of, page, texts_of
from sentinel.desk.words import Speaker
from sentinel.model.alert import Alert, Entity
from sentinel.model.entity import CUSTOMER

_DAY_MS = 86_400_000
_DAYS = 7


@get("/entities/{kind:str}/of/{alert_id:str}", sync_to_thread=True)
def entity(request: AnyRequest, desk: Desk, kind: str, alert_id: str) -> Template:
    """All alerts about the entity of an alert; its id stands in no address."""
    needs(request, Permission.SEE)
    found = desk.queue.alert(alert_id[:64])
    if found is None or found.entity.kind != kind:
        raise NotFoundException
    return entity_page(request, desk, found.entity)


def entity_page(request: AnyRequest, desk: Desk, found: Entity) -> Template:
    """The page of an entity; a look at a customer is logged."""
    alerts = desk.dossiers.of_entity(found.kind, found.id)
    more: dict[str, Any] = {}
    if found.kind == CUSTOMER:
        log(desk, request, Action.LOOK, found.kind, found.id)
        more = _timeline(request, desk, found, alerts)
    return page(request, desk, "entity.html", entity=found, alerts=alerts, **more)


def _timeline(
    request: AnyRequest, desk: Desk, customer: Entity, alerts: list[Alert]
) -> dict[str, Any]:
    """What the timeline's template is given; no entries where there is no archive."""
    asked = request.query_params.get("days", "")
    days = next((each for each in SPANS if str(each) == asked), _DAYS)
    shown: dict[str, Any] = {"spans": SPANS, "days": days, "entries": None, "is_cut": False}
    if desk.archive is None:
        return shown
    until_ms = now_ms() + _DAY_MS  # producers' clocks may run ahead
    from_ms = now_ms() - days * _DAY_MS
    events = desk.archive.timeline(customer.id, from_ms, until_ms, MOST_EVENTS + 1)
    recent = [each for each in alerts if each.opened_at >= from_ms]
    speaker = Speaker(language_of(request), desk.plan)
    triggers = desk.dossiers.triggers(alerts)
    entries = timeline(events[:MOST_EVENTS], recent, triggers, speaker, texts_of(request))
    return {**shown, "entries": entries, "is_cut": len(events) > MOST_EVENTS}
