"""Who is paged in the stack: one receiver of each kind, on this machine."""

import base64
import hashlib
import hmac
import json
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from ruamel.yaml import YAML
from tests.ports import free_port

_SECRET = base64.b64encode(b"the stack's own webhook key").decode()
_ROUTING_KEY = "f" * 32
KINDS = ("pagerduty", "webhook", "chat", "mail")
"""What these receive; the fifth kind, Alertmanager, is a service of the stack."""


class Receivers:
    """Count what arrives by kind, and say what was not as it should be."""

    def __init__(self) -> None:
        self.arrived: Counter[str] = Counter()
        self.problems: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._smtp_port = free_port()
        self._smtp = Controller(self, hostname="127.0.0.1", port=self._smtp_port)
        self._smtp.start()

    @property
    def url(self) -> str:
        """Where the ones that speak HTTP listen."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """Close."""
        self._server.shutdown()
        self._smtp.stop()

    @property
    def environment(self) -> dict[str, str]:
        """The secrets of the channels, as the pager finds them."""
        here = f"127.0.0.1:{self._server.server_port}"
        mail = f"127.0.0.1:{self._smtp_port}/?from=sentinel@bank.example&to=desk@bank.example"
        return {
            "STACK_PAGERDUTY_KEY": _ROUTING_KEY,
            "STACK_WEBHOOK_KEY": f"whsec_{_SECRET}",
            "STACK_CHAT_URL": f"json://{here}/chat",
            "STACK_MAIL_URL": f"mailto://{mail}&mode=insecure",
        }

    def add_to(self, routes: Path) -> None:
        """Add the channels to the first rung of a copy of the shipped routes.yaml."""
        yaml = YAML()
        document = yaml.load(routes.read_text("utf-8"))
        url = self.url
        # One each: the same one twice would be written as an alias, which is not read.
        rate, other = {"pages": 6000, "per": "1m"}, {"pages": 6000, "per": "1m"}
        document["channels"] |= {
            "pagerduty": {
                "type": "pagerduty",
                "url": f"{url}/v2/enqueue",
                "key": {"env": "STACK_PAGERDUTY_KEY"},
                "rate": rate,
            },
            "webhook": {
                "type": "webhook",
                "url": f"{url}/hook",
                "key": {"env": "STACK_WEBHOOK_KEY"},
                "rate": other,
            },
            "chat": {"type": "apprise", "url": {"env": "STACK_CHAT_URL"}},
            "mail": {"type": "apprise", "url": {"env": "STACK_MAIL_URL"}},
        }
        document["route"]["ladder"][0]["channels"] += list(KINDS)
        with routes.open("w", encoding="utf-8") as file:
            yaml.dump(document, file)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Take a mail."""
        self.arrived["mail"] += 1
        return "250 taken"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receivers = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                """Count a page under the kind that its path says."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kinds: dict[str, tuple[str, Callable[[bytes, Any], str]]] = {
                    "/v2/enqueue": ("pagerduty", _pagerduty),
                    "/hook": ("webhook", _webhook),
                    "/chat": ("chat", lambda _, __: ""),
                    "/api/v2/alerts": ("alertmanager", lambda _, __: ""),
                }
                kind, judge = kinds[self.path]
                if problem := judge(body, self.headers):
                    receivers.problems.append(f"{kind}: {problem}")
                receivers.arrived[kind] += 1
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def _pagerduty(body: bytes, _: Any) -> str:
    event = json.loads(body)
    if event["routing_key"] != _ROUTING_KEY or not event["dedup_key"]:
        return "key"
    if event["event_action"] == "trigger" and not event["payload"]["summary"]:
        return "summary"
    return ""


def _webhook(body: bytes, headers: Any) -> str:
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(base64.b64decode(_SECRET), signed, hashlib.sha256))
    return "" if headers["webhook-signature"] == f"v1,{expected.decode()}" else "signature"
