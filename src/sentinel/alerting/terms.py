"""``configs/actions.yaml``: what an action is called, rests on, and how long it may last."""

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import Struct

from sentinel.model.document import Document
from sentinel.model.signal import CONTAINMENT, Action, Title


class _Entry(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    title: Title
    ground: Title | None = None
    longest: str | None = None
    released_by: Title | None = None
    notice: Title | None = None


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    actions: dict[Action, _Entry]


@dataclass(frozen=True, slots=True)
class Restriction:
    """What an action that restricts a customer rests on, and how it ends.

    ``ground`` names document and article; after ``longest_ms`` it ends by itself, before that
    ``released_by`` may lift it; ``notice`` is what the customer is told.
    """

    ground: Title
    longest_ms: int
    released_by: Title
    notice: Title


@dataclass(frozen=True, slots=True)
class Terms:
    """What an action is called, and its ``restriction`` if it restricts a customer."""

    title: Title
    restriction: Restriction | None


def read_terms(document: Document) -> Mapping[Action, Terms]:
    """The terms of every action in ``actions.yaml``.

    Raises :class:`~sentinel.model.document.ConfigError`: an action is missing, restricts without
    a ground, a time and a way out, or has them without restricting anybody.
    """
    entries = document.convert(_File).actions
    for action in Action:
        if action not in entries:
            raise document.error(("actions",), f"no entry for {action}")
    return {
        action: Terms(entry.title, _restriction(document, action, entry))
        for action, entry in entries.items()
    }


def _restriction(document: Document, action: Action, entry: _Entry) -> Restriction | None:
    where = ("actions", action.value)
    given = (entry.ground, entry.longest, entry.released_by, entry.notice)
    if action not in CONTAINMENT:
        if any(each is not None for each in given):
            raise document.error(where, f"{action} restricts nobody: it has a title alone")
        return None
    ground, longest, released_by, notice = given
    if ground is None or longest is None or released_by is None or notice is None:
        raise document.error(
            where, f"{action} restricts a customer: ground, longest, released_by and notice"
        )
    longest_ms = document.duration_ms((*where, "longest"), longest)
    return Restriction(ground, longest_ms, released_by, notice)
