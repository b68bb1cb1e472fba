"""The backtest as one HTML file that needs nothing else: tables, and plots as SVG within it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from io import StringIO
from typing import Any

from matplotlib import rcParams
from matplotlib.figure import Figure

from sentinel.backtest.compare import Differences
from sentinel.backtest.judge import Caught, Judgement
from sentinel.backtest.run import Episode, Run
from sentinel.model.alert import Tier

_DAY_MS = 86_400_000
_COLOURS = {"red": "#E02F44", "orange": "#FF780A", "yellow": "#F2CC0C", "blue": "#3274D9"}
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_TIERS = {"red": "红", "orange": "橙", "yellow": "黄", "blue": "蓝"}
_STYLE = """
body{font:15px/1.5 system-ui,"Noto Sans CJK SC",sans-serif}
body{max-width:70rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse;margin:.5rem 0}
td,th{padding:.2rem .8rem;border-bottom:1px solid #8884;text-align:left}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
svg{max-width:100%;height:auto}.muted{color:#777}
"""


def page(
    new: tuple[Run, Judgement],
    old: tuple[Run, Judgement] | None,
    differences: Differences | None,
    data: Sequence[str],
) -> str:
    """The report of a run, beside that of the old configuration if there is one."""
    run, judgement = new
    versions = [f"new · 新 {judgement.version}"]
    if old is not None:
        versions.append(f"old · 旧 {old[1].version}")
    span = f"{_moment(run.first_ms)} – {_moment(run.last_ms)}"
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Backtest · 回测</title>",
        f"<style>{_STYLE}</style><h1>Backtest · 回测</h1>",
        f"<p class=muted>{escape(', '.join(versions))}<br>{escape(', '.join(data))}<br>{span}</p>",
        "<h2>In short · 概要</h2>",
        _headlines(judgement, old[1] if old else None),
        "<h2>Alerts a day · 每日预警</h2>",
        _daily(run, judgement, old[0] if old else None),
    ]
    if differences is not None:
        parts += ["<h2>Gained and lost · 新增与减少</h2>", _changes(differences)]
        parts.append(_examples(differences.examples))
    if judgement.labelled:
        parts += ["<h2>Cases · 案件</h2>", _recall_plot(judgement), _cases(judgement)]
    parts += ["<h2>Rules · 规则</h2>", _rules(judgement)]
    return "\n".join(parts) + "\n"


def _headlines(new: Judgement, old: Judgement | None) -> str:
    def column(of: Judgement) -> list[str]:
        whole = of.whole
        return [
            f"{of.events:,}",
            f"{of.days:,.1f}",
            *(f"{of.alerts[tier]:,}" for tier in Tier),
            f"{of.alerts_a_day:,.1f}",
            _percent(of.precision),
            _percent(whole.recall),
            f"{of.false_urgent:,}" if of.labelled else "–",
            f"{whole.value_ahead:,.0f} / {whole.value:,.0f}" if of.labelled else "–",
        ]

    names = [
        "events · 事件",
        "days · 天数",
        *(f"{tier} · {_TIERS[tier]}" for tier in Tier),
        "alerts a day · 每日预警",
        "precision · 精确率",
        "recall · 召回率",
        "false urgent · 误报（红橙）",
        "value still to be stopped · 可拦截金额",
    ]
    columns = [column(new)] + ([column(old)] if old else [])
    heading = ["", "new · 新", *(["old · 旧"] if old else [])]
    return _table(heading, zip(names, *columns, strict=True))


def _daily(run: Run, judgement: Judgement, old: Run | None) -> str:
    figure = Figure(figsize=(9, 2.6), layout="constrained")
    axes = figure.subplots()
    begin_ms = run.last_ms - round(judgement.days * _DAY_MS)
    days = max(1, -(-(run.last_ms - begin_ms) // _DAY_MS))
    bottom = [0] * days
    for tier in reversed(Tier):
        heights = _by_day(run, begin_ms, days, tier)
        axes.bar(range(days), heights, bottom=bottom, color=_COLOURS[tier], label=tier.value)
        bottom = [a + b for a, b in zip(bottom, heights, strict=True)]
    if old is not None:
        axes.plot(_by_day(old, begin_ms, days, None), color="#444", lw=1, marker=".", label="old")
    axes.set_xlabel("day")
    axes.legend(ncols=5, frameon=False, fontsize="small")
    return _svg(figure)


def _by_day(run: Run, begin_ms: int, days: int, tier: Tier | None) -> list[int]:
    counts = [0] * days
    for episode in run.episodes.values():
        day = (episode.opened_ms - begin_ms) // _DAY_MS
        if 0 <= day < days and tier in {None, episode.tier}:
            counts[day] += 1
    return counts


def _recall_plot(judgement: Judgement) -> str:
    names = sorted(judgement.scenarios, reverse=True)
    figure = Figure(figsize=(9, 0.5 + 0.35 * len(names)), layout="constrained")
    axes = figure.subplots()
    recalls = [judgement.scenarios[name].recall or 0.0 for name in names]
    axes.barh(names, [100.0] * len(names), color="#8882")
    axes.barh(names, [100 * recall for recall in recalls], color=_COLOURS["blue"])
    axes.set_xlim(0, 100)
    axes.set_xlabel("recall, %")
    return _svg(figure)


def _changes(found: Differences) -> str:
    tiers = _table(
        ["tier · 级别", "gained · 新增", "lost · 减少"],
        [(f"{tier} · {_TIERS[tier]}", found.gained[tier], found.lost[tier]) for tier in Tier],
    )
    moved = ", ".join(
        f"{old} → {new}: {count}" for (old, new), count in sorted(found.moved.items())
    )
    names = sorted(found.gained_by_rule.keys() | found.lost_by_rule.keys())
    rules = _table(
        ["rule · 规则", "gained · 新增", "lost · 减少"],
        [(name, found.gained_by_rule[name], found.lost_by_rule[name]) for name in names],
    )
    return f"<p>{found.same:,} the same · 相同; moved · 变级: {moved or '–'}</p>{tiers}{rules}"


def _examples(found: Iterable[tuple[str, Episode]]) -> str:
    rows = [
        (how, _moment(each.opened_ms), each.tier.value, each.risk, each.kind, each.title)
        for how, each in found
    ]
    heading = ["", "opened · 时间", "tier · 级别", "risk · 风险", "entity · 实体", "title · 标题"]
    return _table(heading, rows) if rows else ""


def _cases(judgement: Judgement) -> str:
    heading = [
        "scenario · 场景",
        "cases · 案件",
        "detected · 发现",
        "red or orange · 红橙",
        "to detect · 发现用时",
        "lead · 提前量",
        "value · 金额",
        "still to be stopped · 可拦截",
    ]
    every: Mapping[str, Caught] = {**judgement.scenarios, "all · 合计": judgement.whole}
    rows = []
    for name, caught in every.items():
        rows.append(
            (
                name,
                caught.cases,
                caught.detected,
                caught.urgent,
                _span(caught.to_detect_ms),
                _span(caught.lead_ms),
                f"{caught.value:,.0f}",
                f"{caught.value_ahead:,.0f}",
            )
        )
    return _table(heading, rows)


def _rules(judgement: Judgement) -> str:
    heading = [
        "rule · 规则",
        "signals · 信号",
        "shadow · 影子",
        "alerts · 预警",
        "precision · 精确率",
    ]
    rows = [
        (
            name,
            rule.signals,
            rule.shadow_signals,
            rule.alerts,
            _percent(rule.true / rule.alerts if judgement.labelled and rule.alerts else None),
        )
        for name, rule in sorted(judgement.rules.items())
    ]
    return _table(heading, rows)


def _table(heading: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    def cell(tag: str, column: int, value: Any) -> str:
        text = f"{value:,}" if isinstance(value, int) else str(value)
        return f"<{tag}{' class=n' if column else ''}>{escape(text)}</{tag}>"

    def line(tag: str, row: Sequence[Any]) -> str:
        return (
            "<tr>" + "".join(cell(tag, column, value) for column, value in enumerate(row)) + "</tr>"
        )

    return f"<table>{line('th', heading)}{''.join(line('td', row) for row in rows)}</table>"


def _svg(figure: Figure) -> str:
    rcParams["svg.fonttype"] = "none"  # text stays text: the reader's own fonts, also Chinese
    rcParams["svg.hashsalt"] = "sentinel"  # the same figures give the same file
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    out = StringIO()
    figure.savefig(out, format="svg", metadata=_NO_METADATA)
    return out.getvalue().partition("<svg")[1] + out.getvalue().partition("<svg")[2]


def _span(values_ms: Sequence[int]) -> str:
    if not values_ms:
        return "–"
    seconds = sorted(values_ms)[len(values_ms) // 2] / 1000
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
