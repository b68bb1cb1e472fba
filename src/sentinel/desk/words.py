"""Values as people read them, in both languages, and ids that do not give a customer away."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sentinel.desk.declare import DeskPlan, Form, Words
from sentinel.model.alert import Alert, Reason
from sentinel.model.entity import CUSTOMER
from sentinel.model.signal import Clause, Title
from sentinel.model.visible import visible

_SHOWN = 4  # characters at the start and at the end of a masked id
_FACTS = 3  # in one sentence
_CUSTOMER_ID = "customer_id"  # alerts about devices and payees see it, too
_LISTS = "lists."  # what a list has of a text is told with the reason
Value = float | str | bool | None


class Language(StrEnum):
    """A language of the desk."""

    ZH = "zh"
    EN = "en"

    def of(self, title: Title) -> str:
        """The text in this language."""
        return visible(title.zh if self is Language.ZH else title.en)


@dataclass(frozen=True, slots=True)
class Fact:
    """One value that a reason saw: its name, how it is shown, and what is usual."""

    name: str
    label: str
    value: str
    usual: str


@dataclass(frozen=True, slots=True)
class Speaker:
    """Shows values and times in one language."""

    language: Language
    plan: DeskPlan

    def facts(self, clauses: tuple[Clause, ...]) -> list[Fact]:
        """What clauses saw, each name once, without what only says which kind of event it was."""
        found: dict[str, Fact] = {}
        for clause in clauses:
            for name, value in clause.values.items():
                if name not in found:
                    usual = clause.normal.get(name)
                    found[name] = Fact(
                        name,
                        self.label(name),
                        self.value(name, value),
                        "" if usual is None else self.value(name, usual),
                    )
        return list(found.values())

    def sentence(self, alert: Alert) -> str:
        """Why, as a person would say it: what the strongest rule saw, or else what it means.

        The title of the rule stands before it where the alert has another title.
        """
        if not alert.reasons:
            return ""
        reason = alert.reasons[0]
        facts = [each for each in self.facts(reason.clauses) if self._tells(each)][:_FACTS]
        told = _JOINED[self.language].join(self._told(each) for each in facts)
        if not told:
            meaning = self.plan.explanation(reason.rule_id)
            told = "" if meaning is None else self.language.of(meaning)
        if reason.title == alert.title:
            return told
        title = self.language.of(reason.title)
        return f"{title}{_COLON[self.language]}{told}" if told else title

    def _told(self, fact: Fact) -> str:
        if self.language is Language.ZH:
            return f"{fact.label} {fact.value}" + (f"（平时 {fact.usual}）" if fact.usual else "")
        return f"{fact.label} {fact.value}" + (f" (usually {fact.usual})" if fact.usual else "")

    def _tells(self, fact: Fact) -> bool:
        form = self._form(fact.name)
        return not fact.name.startswith(_LISTS) and form not in (
            Form.TEXT,
            Form.ID,
            Form.TRUTH,
            Form.RARE,
        )

    def label(self, name: str) -> str:
        """What a person calls a name; the name itself if nobody has said."""
        words = self.plan.words.get(name)
        return visible(name) if words is None else _of(words, self.language)

    def value(self, name: str, value: Value) -> str:
        """A value with its unit."""
        chinese = self.language is Language.ZH
        if value is None:
            return "未知" if chinese else "unknown"
        form = self._form(name)
        if isinstance(value, bool):
            return ("是" if value else "否") if chinese else ("yes" if value else "no")
        if isinstance(value, str):
            if name == _CUSTOMER_ID:
                return masked(CUSTOMER, value)
            return self.word(value) if form is Form.TEXT else visible(value)
        match form:
            case Form.MONEY:
                return self.money(value)
            case Form.SHARE:
                return f"{value:.0%}"
            case Form.SECONDS:
                return self.length(round(value * 1000))
            case Form.KMH:
                return f"{value:,.0f} km/h"
            case Form.DEVIATIONS:
                return f"{value:+.1f} σ"
            case Form.RARE:
                return f"{value:.2g}"
            case Form.MOMENT:
                return self.moment(round(value))
        return f"{value:,.2f}".rstrip("0").rstrip(".")

    def word(self, value: str) -> str:
        """A word of events, as a person writes it; the word itself if nobody has said."""
        words = self.plan.values.get(value)
        return visible(value) if words is None else self.language.of(words)

    def money(self, amount: float | None) -> str:
        """An amount in the base currency; empty without one."""
        if amount is None:
            return ""
        return f"{self.plan.currency}{amount:,.0f}"

    def length(self, length_ms: int) -> str:
        """A length of time in its largest unit."""
        minutes = abs(length_ms) // 60_000
        for unit, size in (("d", 1_440), ("h", 60), ("m", 1)):
            if minutes >= size or unit == "m":
                return _LENGTHS[self.language][unit].format(minutes // size)
        raise AssertionError

    def moment(self, time_ms: int) -> str:
        """A moment with date and time, in the bank's zone."""
        moment = datetime.fromtimestamp(time_ms / 1000, self.plan.zone)
        if self.language is Language.ZH:
            return f"{moment.month}月{moment.day}日 {moment:%H:%M:%S}"
        return f"{moment.day} {moment:%b %H:%M:%S}"

    def counterfactual(self, reason: Reason, tiers: Mapping[str, str]) -> str:
        """What the alert would be without a reason."""
        without = reason.tier_without
        if self.language is Language.ZH:
            return f"若无此项：{tiers[without]}" if without else "若无此项：不预警"
        return f"without it: {tiers[without]}" if without else "without it: no alert"

    def _form(self, name: str) -> Form:
        words = self.plan.words.get(name)
        return Form.NUMBER if words is None else words.form


def masked(kind: str, entity_id: str) -> str:
    """An entity's id for people who need not know it; only customers' are hidden."""
    if kind != CUSTOMER:
        return visible(entity_id)
    if len(entity_id) <= _SHOWN:
        return "••••"
    return f"{visible(entity_id[:2])}••{visible(entity_id[-2:])}"


def _of(words: Words, language: Language) -> str:
    return words.zh if language is Language.ZH else words.en


_JOINED = {Language.ZH: "，", Language.EN: ", "}
_COLON = {Language.ZH: "：", Language.EN: ": "}
_LENGTHS = {
    Language.ZH: {"d": "{}天", "h": "{}小时", "m": "{}分钟"},
    Language.EN: {"d": "{} d", "h": "{} h", "m": "{} min"},
}
