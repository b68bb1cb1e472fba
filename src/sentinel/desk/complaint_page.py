"""The pages of complaints: the list by deadline, and one complaint with its steps."""

from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.response import Template

from sentinel.complaints import COMPLAINT
from sentinel.desk.audit import Action
from sentinel.desk.complaints import BY, ComplaintFilter, ComplaintRow, Tab
from sentinel.desk.desk import Desk, now_ms
from sentinel.desk.door import log, needs, reason_of, unmasked
from sentinel.desk.entity_page import entity_page
from sentinel.desk.queue import PAGE
from sentinel.desk.roles import Permission
from sentinel.desk.view import AnyRequest, number_of, page
from sentinel.model.entity import CUSTOMER

_LATELY_MS = 30 * 86_400_000  # of so long are the share on time, and the values of filters
_MOST_SKIPPED = 100_000
_LONGEST_ID = 128


@get("/complaints", sync_to_thread=True)
def complaints(request: AnyRequest, desk: Desk) -> Template:
    """The complaints of a tab, what is due first at first, and how many were on time."""
    needs(request, Permission.SEE)
    wanted, now = ComplaintFilter.read(request.query_params), now_ms()
    return page(
        request,
        desk,
        "complaints.html",
        tabs=list(Tab),
        filters=BY,
        counts=desk.complaints.counts(wanted, now),
        choices=desk.complaints.choices(now - _LATELY_MS),
        shares=desk.complaints.shares(now - _LATELY_MS, now),
        share_ms=_LATELY_MS,
        **_rows(desk, wanted, 0),
    )


@get("/complaints/rows", sync_to_thread=True)
def more_complaints(request: AnyRequest, desk: Desk) -> Template:
    """Further rows of the list."""
    needs(request, Permission.SEE)
    skip = number_of(request.query_params.get("skip"), _MOST_SKIPPED)
    wanted = ComplaintFilter.read(request.query_params)
    return page(request, desk, "complaint_rows.html", **_rows(desk, wanted, skip))


@get("/complaints/{complaint_id:str}", sync_to_thread=True)
def complaint(request: AnyRequest, desk: Desk, complaint_id: str) -> Template:
    """One complaint: what is due, its steps, and the alerts about it and its customer."""
    needs(request, Permission.SEE)
    found = _found(desk, complaint_id)
    log(desk, request, Action.LOOK, CUSTOMER, found.customer_id, found.complaint_id)
    return page(
        request,
        desk,
        "complaint.html",
        row=found,
        steps=desk.complaints.steps(found.complaint_id),
        alerts=desk.dossiers.of_entity(COMPLAINT, found.complaint_id),
        of_customer=desk.dossiers.of_entity(CUSTOMER, found.customer_id),
    )


@get("/complaints/{complaint_id:str}/customer", sync_to_thread=True)
def complaining_customer(request: AnyRequest, desk: Desk, complaint_id: str) -> Template:
    """The page of a complaint's customer, with the timeline; the id stands in no address."""
    needs(request, Permission.SEE)
    return entity_page(request, desk, _found(desk, complaint_id).customer)


@post("/complaints/{complaint_id:str}/unmask", status_code=200)
async def unmask_complaining(request: AnyRequest, desk: Desk, complaint_id: str) -> Response[str]:
    """Show the customer's id in full, with a reason that is logged."""
    needs(request, Permission.UNMASK)
    return await desk.run(_unmask, request, desk, complaint_id, await reason_of(request))


def _unmask(request: AnyRequest, desk: Desk, complaint_id: str, reason: str) -> Response[str]:
    return unmasked(desk, request, _found(desk, complaint_id).customer, reason)


def _found(desk: Desk, complaint_id: str) -> ComplaintRow:
    found = desk.complaints.find(complaint_id[:_LONGEST_ID])
    if found is None:
        raise NotFoundException
    return found


def _rows(desk: Desk, wanted: ComplaintFilter, skip: int) -> dict[str, Any]:
    """What the template of rows is given."""
    found = desk.complaints.rows(wanted, now_ms(), skip=skip, most=PAGE + 1)
    return {
        "wanted": wanted,
        "rows": found[:PAGE],
        "more": len(found) > PAGE,
        "skip": skip,
        "query": wanted.query(),
    }
