"""Complaints: a life in steps, deadlines, approved extensions, warnings before they pass.

The ``book`` applies events and the clock and returns notices; ``alarms`` makes updates of one
alert for each complaint of them.
"""

from zoneinfo import ZoneInfo

from sentinel.complaints.alarms import COMPLAINT, Alarms
from sentinel.complaints.book import Complaints, Counts
from sentinel.complaints.life import Status
from sentinel.complaints.notice import Notice
from sentinel.complaints.policy import read_policy
from sentinel.complaints.text import Text, render
from sentinel.model.complaint import Duty, Kind, Problem
from sentinel.model.document import Document

__all__ = [
    "COMPLAINT",
    "Alarms",
    "Complaints",
    "Counts",
    "Duty",
    "Kind",
    "Notice",
    "Problem",
    "Status",
    "Text",
    "load",
    "render",
]


def load(document: Document, zone: ZoneInfo) -> Complaints:
    """An empty book by the policy in ``document`` (complaints.yaml), its days in ``zone``.

    Raises :class:`~sentinel.model.document.ConfigError`.
    """
    return Complaints(read_policy(document, zone))
