"""Roles: who may what, as docs/desk.md has it."""

import re
from pathlib import Path

import pytest

from sentinel.desk.roles import PERMISSIONS, Permission, Role, may, may_approve

PAGE = Path(__file__).parents[3] / "docs" / "desk.md"
_ROW = re.compile(r"^\| `(\w+)` \|(.*)\|$", re.MULTILINE)


def test_every_role_may_what_the_page_says() -> None:
    """The table in docs/desk.md is the table in the code."""
    text = PAGE.read_text("utf-8")
    section = text.partition("## Who may what\n")[2].partition("| permission |")[0]
    table = {role: set(re.findall(r"`(\w+)`", cells)) for role, cells in _ROW.findall(section)}
    assert table == {role.value: {each.value for each in PERMISSIONS[role]} for role in Role}


def test_every_permission_is_some_roles() -> None:
    """None that nobody has."""
    assert set().union(*PERMISSIONS.values()) == set(Permission)


@pytest.mark.parametrize("role", Role)
def test_who_changes_accounts_or_reads_the_log_decides_nothing(role: Role) -> None:
    """Duties are separate: accounts, the log about people, and decisions on alerts."""
    duties = [Permission.USERS, Permission.AUDIT, Permission.ANSWER]
    assert sum(may(role, each) for each in duties) <= 1


def test_nobody_approves_their_own_request() -> None:
    """However the name is written; and an analyst approves nobody's."""
    assert may_approve(Role.SENIOR, "li.wei", "wang.fang")
    assert not may_approve(Role.SENIOR, "li.wei", "Li.Wei")
    assert not may_approve(Role.ANALYST, "li.wei", "wang.fang")
