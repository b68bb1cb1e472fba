"""Notices in words, English and Chinese."""

import datetime as dt
from zoneinfo import ZoneInfo

from msgspec import Struct

from sentinel.complaints.life import Status
from sentinel.complaints.notice import Notice
from sentinel.model.complaint import Duty, Kind, Problem
from sentinel.model.signal import Title


class Text(Struct, frozen=True):
    """A notice for people: what it is, and in one sentence why."""

    title: Title
    reason: Title


_STATUS = {
    Status.RECEIVED: "已接收",
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
_EXTENSION = {
    Problem.EXTENSION_WITHOUT_APPROVAL: Text(
        Title("Complaint extended without approval", "投诉延期未经批准"),
        Title("nobody is named who approved it. It has no effect", "未注明批准人，延期不生效"),
    ),
    Problem.EXTENSION_WITHOUT_TERM: Text(
        Title("Complaint extended to no known term", "投诉延期期限无法识别"),
        Title("it names neither a term nor a day. It has no effect", "未注明有效期限，延期不生效"),
    ),
    Problem.EXTENSION_TOO_LATE: Text(
        Title("Complaint extended too late", "投诉延期未及时办理"),
        Title(
            "its term is over, or it is handled. The extension has no effect",
            "处理时限已届满或已处理完毕，延期不生效",
        ),
    ),
    Problem.EXTENSION_NOT_LONGER: Text(
        Title("Complaint extended to no later day", "投诉延期后时限未延长"),
        Title("the deadline in force is no earlier. It stays", "现有时限不早于该期限，予以维持"),
    ),
    Problem.EXTENSION_BEYOND_MAXIMUM: Text(
        Title("Complaint extended beyond the maximum", "投诉延期超过最长时限"),
        Title("it is longer than the maximum, which holds", "超过最长办理时限，按最长时限执行"),
    ),
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
        case Kind.EXTENDED:
            return _extended(notice, zone)
        case Kind.EXTENSION_PROBLEM:
            return _extension_problem(notice)
        case Kind.REPEATED:
            return _repeated(notice)
        case Kind.MET:
            return _met(notice)
    return _over(notice)


def _due(notice: Notice, zone: ZoneInfo) -> Text:
    """A deadline that comes near or has passed."""
    assert notice.duty is not None  # noqa: S101 - every warning is about a duty
    assert notice.fraction is not None  # noqa: S101
    duty, mark = _DUTY[notice.duty], _PROVISIONAL if notice.provisional else Title("", "")
    last_day, days, extended = _last_day(notice, zone), _days(notice), _approval(notice)
    if notice.fraction < 1:
        used = f"{100 * notice.fraction:g}%"
        title = Title(
            f"Complaint close to its deadline: {used} of {days.en} used{mark.en}",
            f"投诉{duty.zh}时限已用{used}（{days.zh}）{mark.zh}",
        )
    else:
        title = Title(
            f"Complaint past its deadline: {days.en} used up{mark.en}",
            f"投诉{duty.zh}时限已届满（{days.zh}）{mark.zh}",
        )
    late = notice.fraction == 1
    return Text(
        title,
        Title(
            f"Complaint {notice.complaint_id} ({notice.channel}) is {notice.status}; "
            f"{duty.en} {'was' if late else 'is'} due by the end of {last_day}"
            f"{extended.en}{mark.en}.",
            f"投诉{notice.complaint_id}当前{_STATUS[notice.status]}，"
            f"{duty.zh}时限{'已于' if late else '为'}{last_day}{'截止' if late else ''}"
            f"{extended.zh}{mark.zh}。",
        ),
    )


def _last_day(notice: Notice, zone: ZoneInfo) -> dt.date:
    assert notice.due_ms is not None  # noqa: S101 - it is asked of notices about a deadline
    return dt.datetime.fromtimestamp(notice.due_ms // 1000 - 1, zone).date()


def _days(notice: Notice) -> Title:
    """How long the term is, with its unit."""
    assert notice.term is not None  # noqa: S101 - it is asked of notices about a deadline
    days, working = notice.term.days, notice.term.working
    return Title(
        f"{days} {'working' if working else 'calendar'} day{'s' if days > 1 else ''}",
        f"{days}个{'工作日' if working else '自然日'}",
    )


def _approval(notice: Notice) -> Title:
    """Who extended the term, if anybody did."""
    if notice.approved_by is None:
        return Title("", "")
    return Title(f", extended by {notice.approved_by}", f"（经{notice.approved_by}批准延期）")


def _extended(notice: Notice, zone: ZoneInfo) -> Text:
    last_day, days = _last_day(notice, zone), _days(notice)
    mark = _PROVISIONAL if notice.provisional else Title("", "")
    return Text(
        Title(f"Complaint extended to {days.en}{mark.en}", f"投诉延期至{days.zh}{mark.zh}"),
        Title(
            f"Complaint {notice.complaint_id} ({notice.channel}) is {notice.status}; its resolution"
            f" is due by the end of {last_day}{_approval(notice).en}{mark.en}.",
            f"投诉{notice.complaint_id}当前{_STATUS[notice.status]}，"
            f"处理时限延至{last_day}{_approval(notice).zh}{mark.zh}。",
        ),
    )


def _extension_problem(notice: Notice) -> Text:
    assert notice.problem is not None  # noqa: S101
    title, why = _EXTENSION[notice.problem].title, _EXTENSION[notice.problem].reason
    return Text(
        title,
        Title(
            f"Event {notice.event_id} extends the term of complaint {notice.complaint_id}: "
            f"{why.en}.",
            f"事件{notice.event_id}延长投诉{notice.complaint_id}的处理时限：{why.zh}。",
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
                f"Complaint {notice.complaint_id} is not watched any more: too many are open.",
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
