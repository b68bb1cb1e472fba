"""Notices in words: both languages, the date, what is provisional."""

import re

from tests.unit.complaints.books import SHANGHAI, book, ms, process

from sentinel.complaints import Complaints, Kind, Notice, Problem, render

MONDAY = "2026-03-02T00:00"
WORKING = ("resolve: 15d", "resolve: 15wd")
_CHINESE = re.compile("[\u4e00-\u9fff]")


def _first(complaints: Complaints, kind: Kind) -> Notice:
    notices = complaints.advance(ms("2028-01-01T00:00"))
    return next(notice for notice in notices if notice.kind is kind)


def test_a_deadline_comes_near() -> None:
    """How much of it is used, and the last day in local time."""
    complaints = book(("{at: 0.5, tier: blue}", "{at: 0.05, tier: blue}"), WORKING)
    process(complaints, "investigating", MONDAY)
    notices = complaints.advance(ms("2026-03-20T00:00"))
    text = render(notices[1], SHANGHAI)
    assert text.title.en == "Complaint close to its deadline: 80% of 15 working days used"
    assert text.title.zh == "投诉处理时限已用80%（15个工作日）"
    assert text.reason.en == (
        "Complaint K1 (hotline) is investigating; resolution is due by the end of 2026-03-23."
    )
    assert text.reason.zh == "投诉K1当前调查中，处理时限为2026-03-23。"


def test_a_term_in_calendar_days_names_its_unit() -> None:
    """No deadline in calendar days is provisional: no notice moves it."""
    complaints = book()
    process(complaints, "investigating", "2027-03-01T00:00")
    text = render(_first(complaints, Kind.RESOLVE_DUE), SHANGHAI)
    assert text.title.en == "Complaint close to its deadline: 50% of 15 calendar days used"
    assert text.title.zh == "投诉处理时限已用50%（15个自然日）"


def test_an_extension_names_the_day_and_who_approved_it() -> None:
    """When it is told, and in every warning of the new deadline."""
    complaints = book()
    process(complaints, "investigating", MONDAY)
    notices = process(
        complaints, "investigating", "2026-03-10T00:00", extended_to="30d", approved_by="chief"
    )
    text = render(notices[0], SHANGHAI)
    assert text.title.en == "Complaint extended to 30 calendar days"
    assert text.title.zh == "投诉延期至30个自然日"
    assert text.reason.en == (
        "Complaint K1 (hotline) is investigating; its resolution is due by the end of 2026-04-01, "
        "extended by chief."
    )
    assert text.reason.zh == "投诉K1当前调查中，处理时限延至2026-04-01（经chief批准延期）。"
    warned = render(_first(complaints, Kind.RESOLVE_DUE), SHANGHAI)
    assert warned.title.en.endswith("50% of 30 calendar days used")
    assert warned.reason.en.endswith("due by the end of 2026-04-01, extended by chief.")
    assert warned.reason.zh == "投诉K1当前调查中，处理时限为2026-04-01（经chief批准延期）。"


def test_an_extension_without_approval_says_so() -> None:
    """Which event, which complaint, and that it has no effect."""
    complaints = book()
    (notice,) = process(complaints, "received", MONDAY, extended_to="30d")
    text = render(notice, SHANGHAI)
    assert text.title.en == "Complaint extended without approval"
    assert text.reason.en == (
        f"Event {notice.event_id} extends the term of complaint K1: "
        "nobody is named who approved it. It has no effect."
    )
    assert text.reason.zh.endswith("未注明批准人，延期不生效。")


def test_a_deadline_has_passed() -> None:
    """The one of a day in the singular."""
    complaints = book()
    process(complaints, "received", MONDAY, channel="media")
    notice = complaints.advance(ms("2026-03-04T00:00"))[-1]
    text = render(notice, SHANGHAI)
    assert text.title.en == "Complaint past its deadline: 1 working day used up"
    assert text.title.zh == "投诉启动调查时限已届满（1个工作日）"
    assert text.reason.en.endswith("investigation to begin was due by the end of 2026-03-03.")
    assert text.reason.zh == "投诉K1当前已接收，启动调查时限已于2026-03-03截止。"


def test_a_provisional_deadline_says_so_in_both_languages() -> None:
    """In the title and in the reason."""
    complaints = book(WORKING)
    process(complaints, "received", "2027-03-01T00:00")
    text = render(_first(complaints, Kind.RESOLVE_DUE), SHANGHAI)
    assert all("provisional" in each.en and "暂定" in each.zh for each in (text.title, text.reason))


def test_an_event_in_the_wrong_order() -> None:
    """Which event, and what it said."""
    complaints = book()
    (notice,) = process(complaints, "resolved", MONDAY)
    assert render(notice, SHANGHAI).reason.en == (
        f"Event {notice.event_id} says resolved of complaint K1, which is not known yet."
    )
    (notice,) = process(complaints, "received", "2026-03-03T00:00")
    text = render(notice, SHANGHAI)
    assert text.title.en == "Complaint was set back"
    assert text.reason.zh == f"事件{notice.event_id}将投诉K1记为已接收，其当前已处理。"


def test_every_notice_has_its_own_words_in_both_languages() -> None:
    """All kinds and all problems: no title twice, no Chinese in the English, no gap."""
    complaints = book(("max_open_complaints: 100000", "max_open_complaints: 3"))
    notices = process(complaints, "received", MONDAY)
    notices += complaints.advance(ms("2028-01-01T00:00"))
    for status in ("investigating", "received", "replied", "closed", "resolved"):
        notices += process(complaints, status, "2028-01-02T00:00")
    notices += process(complaints, "resolved", "2028-01-03T00:00")
    notices += process(complaints, "received", "2028-01-03T00:00", customer_id="C2")
    for number in range(2, 7):
        notices += process(complaints, "resolved", "2028-01-03T00:00", f"K{number}")
    notices += process(complaints, "closed", "2028-01-04T00:00", "K6")
    notices += process(complaints, "resolved", "2028-01-02T01:00", "K1")
    for extended_to, approved_by in (
        ("30d", None),
        ("soon", "chief"),
        ("15d", "chief"),
        ("60wd", "chief"),
    ):
        notices += process(
            complaints,
            "received",
            "2028-01-03T00:00",
            "K9",
            extended_to=extended_to,
            approved_by=approved_by,
        )
    notices += process(
        complaints, "received", "2028-06-03T00:00", "K9", extended_to="40d", approved_by="chief"
    )
    assert {notice.kind for notice in notices} == set(Kind)
    problems = {notice.problem for notice in notices} - {None}
    assert problems == set(Problem) - {Problem.STEP_BACK}
    titles = {}
    for notice in notices:
        text = render(notice, SHANGHAI)
        for each in (text.title, text.reason):
            assert each.en
            assert not _CHINESE.search(each.en)
            assert _CHINESE.search(each.zh)
            assert "None" not in each.en + each.zh
        once = (Kind.MET, Kind.REPEATED, Kind.COMPLETED, Kind.EXTENDED)
        if notice.problem is not None or notice.kind in once:
            titles[text.title.en] = notice.problem or notice.kind
    assert len(set(titles.values())) == len(titles)
