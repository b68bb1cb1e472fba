"""Rate limits of logins: by name, by address, and all together."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.desk.accounts import CHEAP, HOME, NOW, PASSWORD, Desk

from sentinel.desk import attempts, passwords
from sentinel.desk.accounts import Accounts, LoginRefused, Session
from sentinel.desk.attempts import MOST_BY_ADDRESS, MOST_BY_NAME, WINDOW_MS, Refusal, network
from sentinel.desk.passwords import Passwords
from sentinel.desk.tables import LOGINS


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with one analyst."""
    made = Desk(tmp_path)
    made.add()
    return made


@pytest.mark.parametrize("name", ["li.wei", "nobody"])
def test_a_name_is_limited_whoever_asks(desk: Desk, name: str) -> None:
    """One that nobody has, too: else the limit tells who has an account."""
    for each in range(MOST_BY_NAME):
        desk.accounts.login(name, "wrong", f"10.0.1.{each}", NOW + each)
    limited = LoginRefused(Refusal.NAME_LIMIT)
    assert desk.accounts.login(name, PASSWORD, HOME, NOW + WINDOW_MS - 1) == limited
    assert desk.accounts.login(name, PASSWORD, HOME, NOW + WINDOW_MS) != limited
    assert desk.counts[Refusal.NAME_LIMIT] == 1


def test_the_window_slides(desk: Desk) -> None:
    """Each failed login leaves it by itself, and one that was refused does not prolong it."""
    for each in range(MOST_BY_NAME):
        desk.accounts.login("li.wei", "wrong", HOME, NOW + each * 1_000)
    for _ in range(30):
        desk.accounts.login("li.wei", "wrong", HOME, NOW + WINDOW_MS - 1)
    desk.accounts.login("li.wei", "wrong", HOME, NOW + WINDOW_MS)
    again = desk.accounts.login("li.wei", PASSWORD, HOME, NOW + WINDOW_MS + 999)
    assert again == LoginRefused(Refusal.NAME_LIMIT)
    assert isinstance(
        desk.accounts.login("li.wei", PASSWORD, HOME, NOW + WINDOW_MS + 1_000), Session
    )


def test_an_address_is_limited_whatever_it_asks(desk: Desk) -> None:
    """Names are tried in turn; another address is not concerned."""
    for each in range(MOST_BY_ADDRESS):
        desk.accounts.login(f"user{each}", "wrong", HOME, NOW)
    limited = LoginRefused(Refusal.ADDRESS_LIMIT)
    assert desk.accounts.login("li.wei", PASSWORD, HOME, NOW) == limited
    assert isinstance(desk.accounts.login("li.wei", PASSWORD, "10.0.0.8", NOW), Session)


def test_all_together_are_limited(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the table has an end."""
    monkeypatch.setattr(attempts, "MOST", 3)
    for each in range(5):
        desk.accounts.login(f"user{each}", "wrong", f"10.0.1.{each}", NOW)
    assert desk.counts == {Refusal.UNKNOWN_NAME: 3, Refusal.TOTAL_LIMIT: 2}
    assert len(desk.rows(LOGINS)) == 3


def test_a_right_login_is_not_counted(desk: Desk) -> None:
    """Nor does it forgive those before it: who has an account cannot reset an address."""
    for _ in range(2 * MOST_BY_NAME):
        desk.login()
    assert desk.rows(LOGINS) == []
    for _ in range(MOST_BY_NAME):
        desk.accounts.login("li.wei", "wrong", HOME, NOW)
    assert len(desk.rows(LOGINS)) == MOST_BY_NAME


def test_many_at_once_are_not_all_within_the_limit(desk: Desk) -> None:
    """An attempt counts before its password has been checked."""
    with ThreadPoolExecutor(16) as pool:
        args = [("li.wei", "wrong", HOME, NOW)] * 40
        done = list(pool.map(lambda each: desk.accounts.login(*each), args))
    assert done.count(LoginRefused(Refusal.NAME_LIMIT)) == 40 - MOST_BY_NAME


def test_what_was_typed_as_a_name_is_not_stored(desk: Desk) -> None:
    """It may be a password."""
    desk.accounts.login("hunter2 hunter2", "li.wei", HOME, NOW)
    assert "hunter2" not in repr(desk.rows(LOGINS)) + repr(desk.actions())


def test_a_flood_of_logins_is_refused_and_not_counted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits long for a turn to have a password checked."""
    monkeypatch.setattr(passwords, "_LONGEST_WAIT_S", 0.0)
    checking = Passwords(CHEAP)
    accounts = Accounts(desk.database, passwords=checking, count=desk.count)
    for _ in range(passwords.MOST_AT_ONCE):
        checking._turns.acquire()
    refused = accounts.login("li.wei", PASSWORD, HOME, NOW)
    assert refused == LoginRefused(Refusal.OVERLOADED)
    assert desk.counts == {Refusal.OVERLOADED: 1}
    assert desk.rows(LOGINS) == []
    checking._turns.release()
    assert isinstance(accounts.login("li.wei", PASSWORD, HOME, NOW), Session)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("10.0.0.7", "10.0.0.7"),
        ("::ffff:10.0.0.7", "10.0.0.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("a proxy's \0\ud800 nonsense" + "x" * 99, "a proxy's ? nonsense" + "x" * 44),
    ],
)
def test_an_address_is_a_network(address: str, counted: str) -> None:
    """One household has 2 to the 64 addresses of IPv6."""
    assert network(address) == counted
