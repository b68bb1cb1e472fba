"""The desk in a real browser, on real Apache Kafka: from an event to a verdict by keyboard."""

import signal
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.integration.desk_stack import CHROMIUM, USER, DeskStack, Hands, hands
from tests.integration.stage import lively, wait_for
from tests.kafka.broker import Broker

from sentinel.model.alert import Resolution
from sentinel.model.response import ResponseKind, Verdict

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("kafka")]
LOCALES = {"zh": "zh-CN", "en": "en-US"}
WORDS = {"zh": ("分配给", "已生效", "属实"), "en": ("assigned to", "applied", "confirmed")}
APPEAR_MS = 30_000
PHONE = {"width": 360, "height": 740}
# A colour is drawn on a canvas: computed styles have many notations, a pixel has one.
CONTRAST = """() => {
  const pen = Object.assign(document.createElement("canvas"), {width: 1, height: 1})
    .getContext("2d", {willReadFrequently: true});
  const read = (color) => {
    pen.clearRect(0, 0, 1, 1); pen.fillStyle = color; pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((each, i) => each * a + below[i] * (1 - a));
  const ground = (element) => {
    if (!element) return read(getComputedStyle(document.body).backgroundColor).slice(0, 3);
    const color = read(getComputedStyle(element).backgroundColor);
    return color[3] === 1 ? color.slice(0, 3) : over(color, ground(element.parentElement));
  };
  const light = (color) => {
    const [r, g, b] = color.map((each) => each / 255)
      .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const bad = [];
  let looked = 0;
  for (const element of document.querySelectorAll("body *")) {
    const words = [...element.childNodes].filter((each) => each.nodeType === 3)
      .map((each) => each.data).join("").trim();
    if (!words || !element.checkVisibility()) continue;
    if (element.closest("svg, :disabled, .hidden")) continue;
    let opacity = 1;
    for (let each = element; each; each = each.parentElement)
      opacity *= Number(getComputedStyle(each).opacity);
    const [r, g, b, a] = read(getComputedStyle(element).color);
    const below = ground(element);
    const [one, two] = [light(over([r, g, b, a * opacity], below)), light(below)];
    const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    looked += 1;
    if (ratio < 4.5) bad.push(`${element.tagName} "${words.slice(0, 30)}" ${ratio.toFixed(2)}`);
  }
  return [looked, bad];
}"""
WIDE = """() => [
  document.documentElement.scrollWidth,
  [...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > document.documentElement.clientWidth)
    .map((each) => `${each.tagName}.${each.className}`),
]"""
FOCUSED = """() => {
  const each = document.activeElement, box = each.getBoundingClientRect();
  return [each.tagName, each.className, Math.round(box.top + scrollY), Math.round(box.left)];
}"""


@pytest.fixture(scope="module")
def stack(_real_broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskStack]:
    """Worker, history and desk with a queue of alerts."""
    folder = tmp_path_factory.mktemp("desk")
    made = DeskStack(_real_broker.address, f"desk{folder.parent.parent.name[-40:].lower()}", folder)
    made.stage.feed(lively(1_500, seed=8))
    wait_for(made.stage.everything_applied, "no alert ends by events that are still to come")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.mark.parametrize("language", list(LOCALES))
def test_a_verdict_by_keyboard(stack: DeskStack, browser: Browser, language: str) -> None:
    """Taken, judged, taken back, judged again and applied, with two keys a verdict."""
    assigned, applied, confirmed = WORDS[language]
    with hands(browser, stack.url, locale=LOCALES[language]) as user:
        user.log_in()
        _wait_for_alerts(user)
        alert_id = user.take_next()
        responses = user.page.locator("#responses")
        expect(responses.locator(".answer.applied")).to_contain_text(
            f"{assigned} {USER}", timeout=APPEAR_MS
        )
        user.press("f")
        user.press("z")  # at once: it waits for the answer
        expect(responses.locator(".answer")).to_have_count(1)
        user.press("f")
        expect(responses.locator(".answer.deferred")).to_have_count(1)
        user.press("z")
        expect(responses.locator(".answer")).to_have_count(1)
        user.press("c")
        expect(responses.locator(".answer.deferred")).to_have_count(1)
        assert user.keys - 4 == 2  # the next alert and its verdict, beside what was taken back
        verdict = responses.locator(".answer.applied", has_text=confirmed)
        expect(verdict).to_contain_text(applied, timeout=APPEAR_MS)
        assert user.complaints == []
    assert stack.alert(alert_id).resolution is Resolution.CONFIRMED
    sent = stack.responses(alert_id)
    assert [(each.kind, each.verdict, each.actor) for each in sent] == [
        (ResponseKind.ASSIGN, None, USER),
        (ResponseKind.DISPOSITION, Verdict.CONFIRMED, USER),
    ]


def test_a_killed_desk_sends_what_it_held_once(stack: DeskStack, browser: Browser) -> None:
    """After kill -9 while a verdict is deferred, the next process sends it, once."""
    with hands(browser, stack.url, locale="en-US") as user:
        user.log_in()
        _wait_for_alerts(user)
        alert_id = user.take_next()
        user.press("f")
        expect(user.page.locator("#responses .answer.deferred")).to_have_count(1)
        stack.desk.end(signal.SIGKILL)
    assert [each.verdict for each in stack.responses(alert_id) if each.verdict] == []
    stack.start_desk()
    stack.desk.wait_ready()
    resolution = Resolution.FALSE_POSITIVE
    wait_for(lambda: stack.alert(alert_id).resolution is resolution, "the verdict applied")
    with hands(browser, stack.url, locale="en-US") as user:
        user.log_in()
        user.page.goto(f"{stack.url}/alerts/{alert_id}")
        verdict = user.page.locator(".answer.applied", has_text="false positive")
        expect(verdict).to_have_count(1, timeout=APPEAR_MS)
    verdicts = [each.verdict for each in stack.responses(alert_id) if each.verdict]
    assert verdicts == [Verdict.FALSE_POSITIVE]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", list(LOCALES))
def test_everybody_can_read_and_reach_everything(
    stack: DeskStack, browser: Browser, language: str, scheme: str
) -> None:
    """Names for screen readers, contrast, the order of the focus; no page wider than a phone."""
    with hands(browser, stack.url, locale=LOCALES[language], color_scheme=scheme) as user:
        user.page.goto(f"{stack.url}/login")
        _is_accessible(user.page)
        user.log_in()
        _wait_for_alerts(user)
        _is_accessible(user.page)
        _focus_moves_on(user.page)
        user.page.locator("[data-row] a.what").first.click()
        user.page.wait_for_url("**/alerts/*")
        user.page.locator("details").evaluate_all(
            "(all) => all.forEach((each) => each.open = true)"
        )
        _is_accessible(user.page)
        user.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        _fits(user.page)
        user.page.goto(f"{stack.url}/queue?view=all")
        _fits(user.page)
        assert user.complaints == []


def _wait_for_alerts(user: Hands) -> None:
    """Until the queue has some; what is new is shown when asked for."""
    user.page.locator("#news:visible, [data-row]").first.wait_for(timeout=60_000)
    if not user.page.locator("[data-row]").count():
        user.page.keyboard.press(".")
    user.page.locator("[data-row]").first.wait_for()


def _is_accessible(page: Page) -> None:
    looked, bad = page.evaluate(CONTRAST)
    assert looked > 3
    assert bad == []
    assert _nameless(page) == []


def _nameless(page: Page) -> list[Any]:
    """What can have the focus, and a screen reader has no name for."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    found = []
    for node in nodes:
        names = {each["name"]: each["value"].get("value") for each in node.get("properties", ())}
        role = node.get("role", {}).get("value")
        if names.get("focusable") and role not in ("RootWebArea", "main"):
            found.append((role, node.get("name", {}).get("value", "").strip()))
    assert found
    return [role for role, name in found if not name]


def _focus_moves_on(page: Page) -> None:
    """From the link to the content down the page, never back up to what was above."""
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    tag, skip, *_ = page.evaluate(FOCUSED)
    assert (tag, skip) == ("A", "skip")
    places = []
    for _ in range(16):
        page.keyboard.press("Tab")
        tag, _, top, left = page.evaluate(FOCUSED)
        if tag == "BODY":
            break
        places.append((top, left, tag))
    assert len(places) > 8
    for (top, left, _), (next_top, next_left, tag) in pairwise(places):
        assert next_top > top + 24 or next_left > left or abs(next_top - top) <= 24, (tag, places)


def _fits(page: Page) -> None:
    wide, out = page.evaluate(WIDE)
    assert wide <= PHONE["width"], f"{page.url} is {wide} px wide: {out}"
