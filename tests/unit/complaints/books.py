"""A book of complaints to write in, by the shipped policy or a changed one."""

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

from sentinel.complaints import Complaints, Notice, load
from sentinel.model.document import parse

SHANGHAI = ZoneInfo("Asia/Shanghai")
SHIPPED = (Path(__file__).parents[3] / "configs" / "complaints.yaml").read_text(encoding="utf-8")


def book(*changes: tuple[str, str]) -> Complaints:
    """An empty book by the shipped policy with texts of it replaced."""
    text = SHIPPED
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return load(parse(text, "complaints.yaml"), SHANGHAI)


def ms(text: str) -> int:
    """Milliseconds UTC of a local time in Shanghai."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp() * 1000)


def process(
    complaints: Complaints,
    status: str,
    at: str | int,
    complaint_id: str = "K1",
    customer_id: str = "C1",
    channel: str = "hotline",
    category: str | None = "fees",
    extended_to: str | None = None,
    approved_by: str | None = None,
) -> list[Notice]:
    """Take an event at a local time (or ms), recorded five seconds later."""
    time = ms(at) if isinstance(at, str) else at
    return complaints.process(
        complaint_id,
        customer_id,
        status,
        channel,
        "credit_card",
        category,
        "B0001",
        f"{complaint_id}-{status}-{time}",
        time,
        time + 5_000,
        extended_to,
        approved_by,
    )
