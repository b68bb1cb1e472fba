"""Accounts: who is let in, for how long, and what ends a session."""

import hashlib
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from tests.desk.accounts import CHEAP, HOME, NOW, PASSWORD, Desk

from sentinel.desk import accounts as accounts_module
from sentinel.desk.accounts import UNKNOWN, AccountError, Accounts, Limit, LoginRefused, Session
from sentinel.desk.attempts import Refusal
from sentinel.desk.passwords import Passwords
from sentinel.desk.roles import Permission, Role
from sentinel.desk.sessions import MOST_SESSIONS, Limits, csrf_of, is_csrf_right
from sentinel.desk.tables import SESSIONS, USERS

MINUTE, HOUR = 60_000, 3_600_000


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with one analyst."""
    made = Desk(tmp_path)
    made.add(desk="fraud")
    return made


def test_a_user_logs_in_and_is_known_by_the_token(desk: Desk) -> None:
    """With role and desk; the name may be written as people do."""
    session = desk.login(name=" Li.Wei ")
    user = desk.accounts.user_of(session.token, NOW + 1)
    assert user is not None
    assert (user.name, user.role, user.desk, user.login_ms) == (
        "li.wei",
        Role.ANALYST,
        "fraud",
        NOW,
    )
    assert user.may(Permission.ANSWER)
    assert not user.may(Permission.USERS)
    assert session.ends_ms == NOW + 10 * HOUR
    assert desk.actions()[-1] == ("li.wei", "login", HOME, "")


@pytest.mark.parametrize(
    ("name", "password", "reason", "actor"),
    [
        ("li.wei", "wrong", Refusal.WRONG_PASSWORD, "li.wei"),
        ("li.wei", "", Refusal.WRONG_PASSWORD, "li.wei"),
        ("li.wei", PASSWORD + " ", Refusal.WRONG_PASSWORD, "li.wei"),
        ("li.wei", "x" * 100_000, Refusal.WRONG_PASSWORD, "li.wei"),
        ("li.wei", "\ud800\0", Refusal.WRONG_PASSWORD, "li.wei"),
        ("nobody", PASSWORD, Refusal.UNKNOWN_NAME, UNKNOWN),
        ("\ud800\0" + "n" * 9_999, PASSWORD, Refusal.UNKNOWN_NAME, UNKNOWN),
    ],
)
def test_who_is_refused_is_counted_and_logged(
    desk: Desk, name: str, password: str, reason: Refusal, actor: str
) -> None:
    """Without what was typed as a name if nobody has it: it may be a password."""
    assert desk.accounts.login(name, password, HOME, NOW) == LoginRefused(reason)
    assert desk.counts == {reason: 1}
    assert desk.actions()[-1] == (actor, "login_refused", HOME, reason.value)


def test_an_unknown_name_is_as_much_work_as_a_known_one(desk: Desk) -> None:
    """One verification with the same parameters: counted, not timed."""
    verified: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002
            verified.append(str(hash).rpartition("$")[0].rpartition("$")[0])
            return bool(super().verify(hash, password))

    accounts = desk.with_hasher(Counting(time_cost=1, memory_cost=8, parallelism=1))
    for name in ("li.wei", "nobody"):
        accounts.login(name, "wrong", HOME, NOW)
    accounts.login("li.wei", "x" * 100_000, HOME, NOW)
    assert len(verified) == 3
    assert len(set(verified)) == 1


def test_a_hash_of_old_parameters_is_made_anew_at_a_login(desk: Desk) -> None:
    """And only at one whose password is right."""
    (old,) = desk.rows(USERS.c.password)
    stronger = desk.with_hasher(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    stronger.login("li.wei", "wrong", HOME, NOW)
    assert desk.rows(USERS.c.password) == [old]
    stronger.login("li.wei", PASSWORD, HOME, NOW)
    assert "m=16,t=2" in desk.rows(USERS.c.password)[0][0]
    assert isinstance(stronger.login("li.wei", PASSWORD, HOME, NOW), Session)


def test_a_password_does_not_depend_on_how_it_is_composed(desk: Desk) -> None:
    """An accent may be one character or two."""
    desk.accounts.add("zoe", Role.VIEWER, "caf\u00e9 au lait noir", actor="os:root", now_ms=NOW)
    desk.login(name="zoe", password="cafe\u0301 au lait noir")


def test_a_disabled_user_is_refused_whatever_the_password(desk: Desk) -> None:
    """The reason is for counters; a page shows one text."""
    desk.accounts.change("li.wei", enabled=False, actor="os:root", now_ms=NOW)
    assert desk.accounts.login("li.wei", PASSWORD, HOME, NOW) == LoginRefused(Refusal.DISABLED)
    wrong = desk.accounts.login("li.wei", "wrong", HOME, NOW)
    assert wrong == LoginRefused(Refusal.WRONG_PASSWORD)
    desk.accounts.change("li.wei", enabled=True, actor="os:root", now_ms=NOW)
    desk.login()


def test_an_account_that_changes_while_a_password_is_checked_lets_nobody_in(desk: Desk) -> None:
    """What was checked is compared with what is stored then."""

    class Slow(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002
            desk.accounts.set_password("li.wei", "a new one, and long", actor="x", now_ms=NOW)
            return bool(super().verify(hash, password))

    slow = desk.with_hasher(Slow(time_cost=1, memory_cost=8, parallelism=1))
    refused = slow.login("li.wei", PASSWORD, HOME, NOW)
    assert refused == LoginRefused(Refusal.WRONG_PASSWORD)
    assert desk.rows(SESSIONS) == []


def test_each_login_has_a_new_token_and_only_its_hash_is_stored(desk: Desk) -> None:
    """Nobody can have put a token into somebody's browser before; a stolen database opens none."""
    first, second = desk.login(), desk.login()
    assert first.token != second.token
    assert len(first.token) >= 43, "256 bits"
    hashes = {hashlib.sha256(each.token.encode()).hexdigest() for each in (first, second)}
    assert {row.hash for row in desk.rows(SESSIONS)} == hashes
    content = Path(str(desk.database._engine.url.database)).parent.glob("desk.db*")
    stored = b"".join(each.read_bytes() for each in content)
    for secret in (first.token, first.csrf, PASSWORD):
        assert secret.encode() not in stored
        assert secret not in repr(first)


@pytest.mark.parametrize(
    ("used", "at", "alive"),
    [
        ([], 30 * MINUTE - 1, True),
        ([], 30 * MINUTE, False),
        ([20 * MINUTE], 50 * MINUTE - 1, True),
        ([20 * MINUTE], 50 * MINUTE, False),
        ([each * 29 * MINUTE for each in range(1, 21)], 10 * HOUR - 1, True),
        ([each * 29 * MINUTE for each in range(1, 21)], 10 * HOUR, False),
    ],
)
def test_a_session_ends_at_a_millisecond(desk: Desk, used: list[int], at: int, alive: bool) -> None:
    """Thirty minutes after its last use, ten hours after its login."""
    token = desk.login().token
    for each in used:
        assert desk.accounts.user_of(token, NOW + each) is not None
    assert (desk.accounts.user_of(token, NOW + at) is not None) == alive


def test_what_a_page_asks_for_by_itself_keeps_no_session_alive(desk: Desk) -> None:
    """A screen that is left alone is logged out."""
    token = desk.login().token
    assert desk.accounts.user_of(token, NOW + 20 * MINUTE, used=False) is not None
    assert desk.accounts.user_of(token, NOW + 30 * MINUTE) is None


def test_limits_of_a_session_are_arguments(desk: Desk) -> None:
    """A bank may want shorter ones."""
    short = Accounts(desk.database, passwords=Passwords(CHEAP), limits=Limits(600, 1_000))
    session = short.login("li.wei", PASSWORD, HOME, NOW)
    assert isinstance(session, Session)
    assert session.ends_ms == NOW + 1_000
    assert short.user_of(session.token, NOW + 599) is not None
    assert short.user_of(session.token, NOW + 999) is not None
    assert short.user_of(session.token, NOW + 1_000) is None


def test_a_closed_session_is_gone(desk: Desk) -> None:
    """For ever, and the others of the user are not."""
    first, second = desk.login(), desk.login()
    assert desk.accounts.close(first.token, NOW)
    assert desk.accounts.user_of(first.token, NOW) is None
    assert desk.accounts.user_of(second.token, NOW) is not None
    assert not desk.accounts.close(first.token, NOW)
    assert [each[1] for each in desk.actions()].count("logout") == 1


@pytest.mark.parametrize("token", ["", "x", "\ud800", "\0", "x" * 1_000_000])
def test_a_made_up_token_is_nobodys(desk: Desk, token: str) -> None:
    """Whatever a browser sends."""
    desk.login()
    assert desk.accounts.user_of(token, NOW) is None
    assert not desk.accounts.close(token, NOW)


def test_every_session_ends_when_rights_or_password_change(desk: Desk) -> None:
    """Only this user's; another desk ends none."""
    desk.add("wang.fang")
    other = desk.login(name="wang.fang").token
    change = desk.accounts.change
    for end in (
        lambda: change("li.wei", role=Role.SENIOR, actor="root", now_ms=NOW),
        lambda: desk.accounts.set_password("li.wei", PASSWORD, actor="root", now_ms=NOW),
        lambda: change("li.wei", enabled=False, actor="root", now_ms=NOW),
    ):
        tokens = [desk.login().token, desk.login().token]
        change("li.wei", desk="cards", actor="root", now_ms=NOW)
        assert all(desk.accounts.user_of(each, NOW) for each in tokens)
        end()
        assert not any(desk.accounts.user_of(each, NOW) for each in tokens)
    assert desk.accounts.user_of(other, NOW) is not None


def test_a_users_oldest_session_ends_when_there_are_too_many(desk: Desk) -> None:
    """Counted; sessions that have ended do not count."""
    tokens = [desk.login(NOW + each).token for each in range(MOST_SESSIONS)]
    assert desk.counts == {}
    last = desk.login(NOW + MOST_SESSIONS).token
    assert desk.counts == {Limit.SESSIONS: 1}
    alive = [desk.accounts.user_of(each, NOW + 99) is not None for each in [*tokens, last]]
    assert alive == [False] + [True] * MOST_SESSIONS
    desk.login(NOW + HOUR)
    assert desk.counts == {Limit.SESSIONS: 1}
    assert len(desk.rows(SESSIONS)) == 1


def test_a_form_is_right_in_its_session_only(desk: Desk) -> None:
    """And says nothing about the session's token."""
    first, second = desk.login(), desk.login()
    assert first.csrf == csrf_of(first.token) != second.csrf
    assert is_csrf_right(first.token, first.csrf)
    for wrong in ("", second.csrf, first.token, first.csrf[:-1], "é", "\ud800"):
        assert not is_csrf_right(first.token, wrong)


def test_changes_are_lines_of_the_audit_log(desk: Desk) -> None:
    """With what they were before; a change that changes nothing is none."""
    change = desk.accounts.change
    change("li.wei", role=Role.SENIOR, enabled=False, actor="os:root", now_ms=NOW)
    change("li.wei", role=Role.SENIOR, enabled=False, actor="os:root", now_ms=NOW)
    change("Li.Wei", desk="", actor="os:root", now_ms=NOW)
    desk.accounts.set_password("li.wei", "another long one", actor="admin", now_ms=NOW)
    assert desk.actions() == [
        ("os:root", "user_added", "li.wei", "role analyst, desk fraud"),
        ("os:root", "user_changed", "li.wei", "role analyst -> senior, enabled True -> False"),
        ("os:root", "user_changed", "li.wei", "desk fraud -> None"),
        ("admin", "password_changed", "li.wei", ""),
    ]
    assert desk.log.verify() is None
    (user,) = desk.accounts.users()
    assert user == desk.accounts.user("LI.WEI")
    assert (user.role, user.enabled, user.desk) == (Role.SENIOR, False, None)


@pytest.mark.parametrize(
    ("name", "password", "message"),
    [
        ("li.wei", PASSWORD, "li.wei exists already"),
        ("LI.WEI", PASSWORD, "li.wei exists already"),
        ("", PASSWORD, "a name has at most"),
        ("n" * 65, PASSWORD, "a name has at most"),
        ("os:root", PASSWORD, "a name has at most"),
        ("a b", PASSWORD, "a name has at most"),
        ("zoe", "eleven char", "a password has at least 12 characters"),
        ("zoe", "x" * 1_025, "a password has at most 1024 characters"),
        ("zoe", "ababababababab", "a password has at least 5 different characters"),
    ],
)
def test_an_account_that_nobody_may_have_is_refused(
    desk: Desk, name: str, password: str, message: str
) -> None:
    """With what to change, and never with the password; nothing is logged."""
    with pytest.raises(AccountError, match=message):
        desk.accounts.add(name, Role.VIEWER, password, actor="os:root", now_ms=NOW)
    assert len(desk.actions()) == len(desk.accounts.users()) == 1


def test_passwords_may_be_long_and_names_chinese(desk: Desk) -> None:
    """A sentence is a good password, and a person's name a good name."""
    long = "0123456789" * 100
    desk.accounts.add("李伟", Role.VIEWER, long, actor="os:root", now_ms=NOW)
    desk.login(name="李伟", password=long)
    wrong = desk.accounts.login("李伟", long[:-1], HOME, NOW)
    assert wrong == LoginRefused(Refusal.WRONG_PASSWORD)


def test_who_is_not_there_cannot_be_changed(desk: Desk) -> None:
    """One line that names the name."""
    with pytest.raises(AccountError, match="there is no user zoe"):
        desk.accounts.change("zoe", enabled=False, actor="os:root", now_ms=NOW)
    with pytest.raises(AccountError, match="there is no user zoe"):
        desk.accounts.set_password("zoe", PASSWORD, actor="os:root", now_ms=NOW)
    assert desk.accounts.user("zoe") is None


def test_users_are_limited(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of all is one page."""
    monkeypatch.setattr(accounts_module, "MOST_USERS", 2)
    desk.add("second")
    with pytest.raises(AccountError, match="no more are allowed"):
        desk.add("third")


def test_what_has_ended_is_pruned(desk: Desk) -> None:
    """Sessions after their limits, failed logins after the window; at the millisecond."""
    desk.login()
    desk.accounts.login("li.wei", "wrong", HOME, NOW)
    assert desk.accounts.prune(NOW + 15 * MINUTE - 1) == {}
    assert desk.accounts.prune(NOW + 15 * MINUTE) == {"desk_logins": 1}
    assert desk.accounts.prune(NOW + 30 * MINUTE - 1) == {}
    assert desk.accounts.prune(NOW + 30 * MINUTE) == {"desk_sessions": 1}
