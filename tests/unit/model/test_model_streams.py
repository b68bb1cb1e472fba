"""A fourth and a fifth input stream: what they cost, and what then works."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sentinel

_PROGRAM = Path(__file__).with_name("model_streams_program.py")
_MEMBERS = '    COMPLAINT = "complaint"\n'
_TYPES = "    Stream.COMPLAINT: Complaint,\n"
_STRUCTS = "Event = Transaction | Login | Complaint\n"
_MORE_MEMBERS = """\
    TRADE = "trade"
    ENROLMENT = "enrolment"
"""
_MORE_TYPES = """\
    Stream.TRADE: Trade,
    Stream.ENROLMENT: Enrolment,
"""
_MORE_STRUCTS = '''
class Trade(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A security bought or sold."""

    event_id: Id
    event_time: Moment
    customer_id: Id
    side: Literal["buy", "sell"]
    amount: Amount
    short: bool = False


class Enrolment(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A device that a customer registers."""

    event_id: Id
    event_time: Moment
    customer_id: Id
    device_id: Id | None = None
    ip: Address | None = None


'''


@pytest.mark.process
def test_two_more_streams_cost_one_file(tmp_path: Path) -> None:
    """Only the event types are touched; rules, features, shared entities, topics follow."""
    source = Path(sentinel.__file__).parent
    root = tmp_path / "sentinel"
    shutil.copytree(source, root, ignore=shutil.ignore_patterns("__pycache__"))
    events = root / "model" / "events.py"
    text = events.read_text("utf-8")
    for old, new in (
        (_MEMBERS, _MEMBERS + _MORE_MEMBERS),
        (_TYPES, _TYPES + _MORE_TYPES),
        (_STRUCTS, _MORE_STRUCTS + _STRUCTS.replace("Complaint", "Complaint | Trade | Enrolment")),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    events.write_text(text, "utf-8")
    done = subprocess.run(
        [sys.executable, _PROGRAM],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "topics": ["p.trades", "p.enrolments"],
        "channel": ["trade"],
        "required": ["event_id", "event_time", "customer_id", "side", "amount"],
        "alerts": [
            ["many-enrolments", "device:d1", "enrolment", {"enrolments_1h": 3}],
            ["many-trades", "customer:C1", "trade", {"trades_1h": 3}],
        ],
    }
