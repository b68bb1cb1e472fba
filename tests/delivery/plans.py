"""Routing plans for the pager's tests."""

from zoneinfo import ZoneInfo

from sentinel.delivery.declare import Plan, read_plan
from sentinel.model.document import parse

TEXT = """
link: "https://desk.example/alerts/{alert_id}"
ignore_older_than: 24h
keep: 30d
retry: {first: 1s, longest: 8s, give_up: 1h, timeout: 2s}
channels:
  duty: {type: pagerduty, url: "URL/v2/enqueue", key: {env: DUTY_KEY}}
  cases: {type: webhook, url: "URL/hook", key: {env: CASES_KEY}}
  chat: {type: apprise, url: {env: CHAT_URL}, rate: {pages: 2, per: 1m}}
route:
  name: everybody
  ladder: [{channels: [cases]}]
  routes:
    - name: fraud
      match: ['tier="red"']
      ladder: [{channels: [duty]}, {after: 10m, channels: [cases]}]
    - name: night
      match: ['risk="legal"']
      quiet: {from: "22:00", to: "07:00"}
      ladder: [{channels: [chat]}]
"""


def plan(text: str = TEXT, *, url: str = "http://127.0.0.1:9") -> Plan:
    """The plan of ``text``, whose channels are at ``url``."""
    return read_plan(parse(text.replace("URL", url), "routes.yaml"), ZoneInfo("Asia/Shanghai"))
