"""Notices in words, English and Chinese."""

import datetime as dt
from zoneinfo import ZoneInfo

from msgspec import Struct

from sentinel.complaints.life import Problem, Status
from sentinel.complaints.notice import Duty, Kind, Notice
from sentinel.model.signal import Title


class Text(Struct, frozen=True):
    """A notice for people: what it is, and in one sentence why."""

    title: Title
    reason: Title


_STATUS = {
    Status.RECEIVED: "已受理",
    Status.INVESTIGATING: "调查中",
    Status.RESOLVED: "已处理",
    Status.REPLIED: "已书面答复",
    Status.CLOSED: "已结案",
    Status.WITHDRAWN: "已撤回",
}
_DUTY = {
    Duty.ACKNOWLEDGE: Title("investigation to begin", "启动调查"),
    Duty.RESOLVE: Title("resolution", "处理"),
    Duty.REPLY: Title("written reply", "书面答复"),
}
_PROBLEM = {
    Problem.UNKNOWN: Title("begins in the middle", "缺少受理记录"),
    Problem.SKIPPED: Title("skipped a step", "跳过了办理环节"),
    Problem.STEP_BACK: Title("was set back", "状态被回退"),
    Problem.AFTER_END: Title("changed after it was over", "终结后又有变更"),
    Problem.OTHER_CUSTOMER: Title("named with another customer", "客户编号不一致"),
}
_PROVISIONAL = Title(
    " (provisional: the calendar of the year is not published)", "（暂定：当年工作日安排尚未公布）"
)


def render(notice: Notice, zone: ZoneInfo) -> Text:
    """The words of a notice, with dates in ``zone``."""
    match notice.kind:
        case Kind.ACKNOWLEDGE_DUE | Kind.RESOLVE_DUE:
            return _due(notice, zone)
        case Kind.REPLY_MISSING if notice.problem is None:
            return _due(notice, zone)
        case Kind.REPLY_MISSING | Kind.ILLEGAL_TRANSITION:
            return _problem(notice)
        case Kind.REPEATED:
            return _repeated(notice)
        case Kind.MET:
            return _met(notice)
    return _over(notice)


def _due(notice: Notice, zone: ZoneInfo) -> Text:
    """A deadline that comes near or has passed."""
    assert notice.duty is not None  # noqa: S101 - every warning is about a duty
    assert notice.due_ms is not None  # noqa: S101
    assert notice.fraction is not None  # noqa: S101
    duty, mark = _DUTY[notice.duty], _PROVISIONAL if notice.provisional else Title("", "")
    last_day = dt.datetime.fromtimestamp(notice.due_ms // 1000 - 1, zone).date()
    days = f"{notice.days} working day{'s' if notice.days > 1 else ''}"
    if notice.fraction < 1:
        used = f"{100 * notice.fraction:g}%"
        title = Title(
            f"Complaint close to its deadline: {used} of {days} used{mark.en}",
            f"投诉{duty.zh}时限已用{used}（{notice.days}个工作日）{mark.zh}",
        )
    else:
        title = Title(
            f"Complaint past its deadline: {days} used up{mark.en}",
            f"投诉{duty.zh}时限已届满（{notice.days}个工作日）{mark.zh}",
        )
    late = notice.fraction == 1
    return Text(
        title,
        Title(
            f"Complaint {notice.complaint_id} ({notice.channel}) is {notice.status}; "
            f"{duty.en} {'was' if late else 'is'} due by the end of {last_day}{mark.en}.",
            f"投诉{notice.complaint_id}当前{_STATUS[notice.status]}，"
            f"{duty.zh}时限{'已于' if late else '为'}{last_day}{'截止' if late else ''}{mark.zh}。",
        ),
    )


def _problem(notice: Notice) -> Text:
    """An event that does not fit."""
    assert notice.asked is not None  # noqa: S101 - every problem is about an event
    if notice.problem is Problem.CLOSED_WITHOUT_REPLY:
        return Text(
            Title("Complaint closed without a written reply", "投诉未经书面答复即结案"),
            Title(
                f"Complaint {notice.complaint_id} was closed while {notice.status}; "
                "it stays open until the written reply is sent.",
                f"投诉{notice.complaint_id}{_STATUS[notice.status]}时被结案，"
                "书面答复送达前仍视为未结。",
            ),
        )
    assert notice.problem is not None  # noqa: S101
    what = _PROBLEM[notice.problem]
    return Text(
        Title(f"Complaint {what.en}", f"投诉{what.zh}"),
        Title(
            f"Event {notice.event_id} says {notice.asked} of complaint {notice.complaint_id}, "
            f"which is {_now(notice)}.",
            f"事件{notice.event_id}将投诉{notice.complaint_id}记为{_STATUS[notice.asked]}，"
            f"{'此前无记录' if _is_new(notice) else '其当前' + _STATUS[notice.status]}。",
        ),
    )


def _is_new(notice: Notice) -> bool:
    return notice.problem is Problem.UNKNOWN


def _now(notice: Notice) -> str:
    return "not known yet" if _is_new(notice) else str(notice.status)


def _repeated(notice: Notice) -> Text:
    return Text(
        Title("Customer complains repeatedly", "客户重复投诉"),
        Title(
            f"{notice.count} complaints or more of one customer within {notice.days} days, "
            f"the latest {notice.complaint_id}.",
            f"同一客户{notice.days}天内提出{notice.count}件及以上投诉，"
            f"最近一件为{notice.complaint_id}。",
        ),
    )


def _met(notice: Notice) -> Text:
    assert notice.duty is not None  # noqa: S101 - what was met is a duty
    assert notice.due_ms is not None  # noqa: S101
    duty, late = _DUTY[notice.duty], notice.at_ms >= notice.due_ms
    return Text(
        Title("Complaint: duty fulfilled", "投诉办理义务已履行"),
        Title(
            f"Complaint {notice.complaint_id} is {notice.status}: "
            f"{duty.en}, {'late' if late else 'on time'}.",
            f"投诉{notice.complaint_id}{_STATUS[notice.status]}："
            f"{duty.zh}{'已逾期完成' if late else '按时完成'}。",
        ),
    )


def _over(notice: Notice) -> Text:
    if notice.kind is Kind.FORGOTTEN:
        return Text(
            Title("Complaint no longer watched", "投诉不再跟踪"),
            Title(
                f"Complaint {notice.complaint_id} was let go because too many are open.",
                f"未结投诉过多，投诉{notice.complaint_id}不再跟踪。",
            ),
        )
    return Text(
        Title("Complaint over", "投诉已终结"),
        Title(
            f"Complaint {notice.complaint_id} is {notice.status}.",
            f"投诉{notice.complaint_id}{_STATUS[notice.status]}。",
        ),
    )
