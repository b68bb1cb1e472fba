"""Roles, and what each of them may do; docs/desk.md has the same table for people."""

from enum import StrEnum, unique


@unique
class Role(StrEnum):
    """What a user is at the desk; each user has one role."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    SENIOR = "senior"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


@unique
class Permission(StrEnum):
    """What a page or an action of the desk asks for."""

    SEE = "see"  # alerts, with customers masked
    ANSWER = "answer"
    BULK = "bulk"  # answer many alerts at once
    APPROVE = "approve"  # as the second person
    UNMASK = "unmask"  # a customer, with a reason
    AUDIT = "audit"  # read the audit log
    USERS = "users"  # add, change, disable


_ANALYST = frozenset({Permission.SEE, Permission.ANSWER, Permission.UNMASK})
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.SEE}),
    Role.ANALYST: _ANALYST,
    Role.SENIOR: _ANALYST | {Permission.BULK, Permission.APPROVE},
    Role.AUDITOR: frozenset({Permission.SEE, Permission.AUDIT}),
    # Who decides on accounts neither decides on alerts nor sees customers.
    Role.ADMINISTRATOR: frozenset({Permission.SEE, Permission.USERS}),
}


def may(role: Role, permission: Permission) -> bool:
    """Whether users of a role have a permission."""
    return permission in PERMISSIONS[role]


def may_approve(role: Role, name: str, asked_by: str) -> bool:
    """Whether ``name`` may approve what ``asked_by`` asked for: never one's own request."""
    return may(role, Permission.APPROVE) and name.casefold() != asked_by.casefold()
