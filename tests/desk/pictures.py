"""``python -m tests.desk.pictures FOLDER``: pictures of the desk for the docs."""

import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from msgspec.structs import replace
from playwright.sync_api import Page, sync_playwright
from prometheus_client import CollectorRegistry
from tests.desk.accounts import PASSWORD

from sentinel.alerting.cloudevent import decode
from sentinel.desk.app import create_app
from sentinel.desk.declare import read_folder
from sentinel.desk.desk import Desk, now_ms
from sentinel.desk.metrics import DeskMetrics
from sentinel.desk.queue import Filter, View
from sentinel.desk.roles import Role
from sentinel.history.records import Read
from sentinel.history.store import Store
from sentinel.settings import shipped_configs

CHROMIUM = "/usr/bin/chromium"
_SIZE = (1280, 800)
_BANK = ("--customers", "3000", "--days", "5", "--seed", "11", "--attacks-per-day", "30")
_USER = "li.wei"


def main(
    folder: Annotated[Path, typer.Argument(help="Where queue.png, alert.png … are written.")],
) -> None:
    """Raise alerts from a simulated bank, show them in the desk, and take pictures in Chromium."""
    with tempfile.TemporaryDirectory() as scratch:
        desk = _desk(Path(scratch))
        server, url = _serve(desk)
        try:
            rows = desk.queue.rows(Filter(view=View.ALL), _USER, 0, most=1_000)
            shown = max(
                (row.alert for row in rows), key=lambda each: (len(each.reasons), each.score)
            )
            _take(url, folder, shown.alert_id)
        finally:
            server.should_exit = True


def _desk(scratch: Path) -> Desk:
    """A desk over the alerts of the bank, as if its last event had just come."""
    sentinel = (sys.executable, "-m", "sentinel")
    events = scratch / "events.jsonl"
    subprocess.run([*sentinel, "simulate", "--out", str(scratch), *_BANK], check=True)
    replayed = subprocess.run([*sentinel, "replay", str(events)], check=True, stdout=-1)
    alerts = [decode(line) for line in replayed.stdout.splitlines()]
    late_ms = now_ms() - 240_000 - max(alert.updated_at for alert in alerts)
    alerts = [
        replace(
            alert,
            opened_at=alert.opened_at + late_ms,
            updated_at=alert.updated_at + late_ms,
            trigger=replace(alert.trigger, event_time=alert.trigger.event_time + late_ms),
        )
        for alert in alerts
    ]
    url = f"sqlite:///{scratch}/history.db"
    store = Store(url)
    store.accept(Read("alerts-0", 0, len(alerts), list(enumerate(alerts))))
    metrics = DeskMetrics(CollectorRegistry())
    plan = read_folder(shipped_configs())
    desk = Desk(store, url, plan, lambda _: None, metrics, is_secure=False)
    desk.accounts.add(_USER, Role.SENIOR, PASSWORD, actor="os:pictures", now_ms=now_ms())
    return desk


def _serve(desk: Desk) -> tuple[uvicorn.Server, str]:
    """Serve it on a free port, in a thread."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = uvicorn.Config(create_app(desk), port=port, log_config=None)
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    return server, f"http://127.0.0.1:{port}"


def _take(url: str, folder: Path, alert_id: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        width, height = _SIZE
        for language, suffix in (("en-US", ""), ("zh-CN", ".zh")):
            context = browser.new_context(
                viewport={"width": width, "height": height}, locale=language
            )
            page = context.new_page()
            _log_in(page, url)
            page.screenshot(path=folder / f"queue{suffix}.png")
            page.goto(f"{url}/alerts/{alert_id}")
            page.wait_for_selector(".alert")
            page.screenshot(path=folder / f"alert{suffix}.png")
            context.close()
        context = browser.new_context(
            viewport={"width": 390, "height": 780}, locale="zh-CN", color_scheme="dark"
        )
        page = context.new_page()
        _log_in(page, url)
        page.goto(f"{url}/alerts/{alert_id}")
        page.wait_for_selector(".alert")
        page.screenshot(path=folder / "phone.png")
        browser.close()


def _log_in(page: Page, url: str) -> None:
    page.goto(url)
    page.fill("[name=name]", _USER)
    page.fill("[name=password]", PASSWORD)
    page.click("button.primary")
    page.wait_for_selector(".rows")


if __name__ == "__main__":
    typer.run(main)
