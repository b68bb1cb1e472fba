"""What the desk's pages say, in Chinese as a bank writes it and in English."""

from collections.abc import Mapping

from sentinel.desk.words import Language

_TEXTS: Mapping[str, tuple[str, str]] = {
    # Frame
    "product": ("预警工作台", "Sentinel desk"),
    "queue": ("待处理预警", "Queue"),
    "skip": ("跳到正文", "Skip to content"),
    "language": ("English", "中文"),
    "logout": ("退出", "Log out"),
    "live": ("实时", "live"),
    "offline": ("连接中断，正在重连", "offline, reconnecting"),
    "news_one": ("有 1 条更新", "1 new"),
    "news_many": ("有 {} 条更新", "{} new"),
    "keys": ("快捷键", "Keys"),
    "close": ("关闭", "Close"),
    "look_logged": ("查看客户信息均有记录", "Every look at a customer is logged"),
    # Login
    "login": ("登录", "Log in"),
    "user": ("用户名", "User name"),
    "password": ("密码", "Password"),
    "login_refused": ("用户名或密码不正确", "User name or password is wrong"),
    "login_limited": (
        "尝试次数过多，请稍后再试",
        "Too many attempts; try again in a few minutes",
    ),
    # Queue
    "view_open": ("待领取", "Unassigned"),
    "view_mine": ("我的", "Mine"),
    "view_all": ("全部", "All open"),
    "view_ended": ("已结束", "Ended"),
    "next": ("下一条", "Next"),
    "search": ("客户号、预警编号…", "customer, alert id …"),
    "all_tiers": ("全部级别", "All tiers"),
    "all_risks": ("全部风险", "All risks"),
    "filter_rule": ("规则", "Rule"),
    "clear": ("清除筛选", "Clear filters"),
    "left": ("剩余 {}", "{} left"),
    "overdue": ("超时 {}", "{} overdue"),
    "at_risk": ("涉及 {}", "{} at risk"),
    "alike": ("同类 {} 条，误报 {} 条", "{} alike, {} false"),
    "alike_help": (
        "同一规则在近 {} 内的预警数及其中被判为误报的数量",
        "Alerts of the same rule opened in the last {}, and how many were found false",
    ),
    "empty": ("没有待处理的预警", "Nothing waits here"),
    "empty_hint": (
        "换一个视图，或清除筛选条件",
        "Try another view, or clear the filters",
    ),
    "nobody_left": ("没有无人领取的预警", "No alert that nobody has"),
    "more": ("更多", "More"),
    "selected": ("已选 {} 条", "{} selected"),
    "bulk_false": ("全部判为误报", "End all as false"),
    "bulk_confirm": (
        "将把 {} 条预警判为误报并结束，{} 内可撤销",
        "This ends {} alerts as false; you can undo it for {}",
    ),
    "select": ("选择", "Select"),
    # Alert
    "score": ("评分", "score"),
    "why": ("预警原因", "Why"),
    "reasons": ("触发规则", "Reasons"),
    "usual": ("平时 {}", "usually {}"),
    "share": ("占评分 {}", "{} of the score"),
    "times": ("触发 {} 次", "fired {} ×"),
    "precision": ("近 {2} 判定 {1} 条，属实 {0} 条", "right {} of {} in {}"),
    "unjudged": ("尚无判定", "no verdict yet"),
    "actions": ("已向核心系统建议的措施", "Measures requested of core systems"),
    "no_actions": ("无", "None"),
    "runbook": ("处置手册", "Runbook"),
    "others": ("该对象的其他预警", "Other alerts about it"),
    "no_others": ("没有其他预警", "No other alert"),
    "history": ("经过", "History"),
    "responses": ("处置记录", "Outgoing"),
    "no_answers": ("尚无处置", "No answer yet"),
    "opened": ("开立", "opened"),
    "event": ("触发事件", "Trigger"),
    "customer_score": ("客户总评分", "customer's score"),
    "suppressed": ("已抑制通知：{}", "Nobody is notified: {}"),
    "assigned": ("经办：{}", "with {}"),
    "unassigned": ("无人经办", "with nobody"),
    "ended": ("已结束：{}", "over: {}"),
    "unmask": ("显示完整编号", "Unmask"),
    "unmask_reason": ("查看理由", "Reason for looking"),
    "answer": ("作出判定", "Answer"),
    "do_confirmed": ("属实", "Confirmed"),
    "do_false": ("误报", "False"),
    "do_undecided": ("无法判定", "Undecided"),
    "do_acknowledge": ("领取", "Acknowledge"),
    "do_assign": ("转给我", "Assign to me"),
    "do_note": ("添加备注", "Add note"),
    "note": ("备注", "Note"),
    "undo": ("撤销", "Undo"),
    "may_not_answer": ("您的角色只能查看", "Your role may only look"),
    # Customer
    "timeline": ("客户时间轴", "Timeline"),
    "no_archive": ("未配置事件归档，无法显示交易与登录", "No archive of events is configured"),
    "no_events": ("此期间没有事件", "Nothing happened in this time"),
    "timeline_cut": ("仅显示最近 {} 条", "The newest {} are shown"),
    "failed": ("失败", "failed"),
    # Complaints
    "complaints": ("投诉", "Complaints"),
    "complaint": ("投诉", "Complaint"),
    "tab_open": ("未结", "Open"),
    "tab_late": ("已逾期", "Overdue"),
    "tab_closed": ("已办结", "Closed"),
    "by_product": ("产品", "Product"),
    "by_branch": ("网点", "Branch"),
    "by_channel": ("受理渠道", "Channel"),
    "by_category": ("投诉类别", "Category"),
    "by_language": ("语言", "Language"),
    "language_zh": ("中文", "Chinese"),
    "language_en": ("英文", "English"),
    "no_complaints": ("没有符合条件的投诉", "No such complaint"),
    "received": ("受理于", "received"),
    "due_next": ("下一时限", "Due next"),
    "duty_acknowledge": ("启动调查", "investigate"),
    "duty_resolve": ("办理", "handle"),
    "duty_reply": ("书面答复", "written reply"),
    "was_late": ("曾逾期", "a deadline was missed"),
    "extended": ("延期至 {}，批准人：{}", "extended to {}, approved by {}"),
    "on_time_share": ("近 {} 按时办结率", "Handled on time in the last {}"),
    "on_time_help": (
        "分母为此期间办结的投诉及目前逾期未结的投诉；各环节均未逾期方为按时，撤诉不计入",
        "Of those closed in this time or overdue now, not withdrawn: which missed no deadline",
    ),
    "on_time": ("按时率", "On time"),
    "counted": ("件数", "Of all"),
    "not_given": ("未注明", "not given"),
    "none_counted": ("此期间没有办结的投诉", "None was closed in this time"),
    "alerts_of_complaint": ("该投诉的预警", "Alerts about this complaint"),
    "alerts_of_customer": ("该客户的预警", "Alerts about the customer"),
    "no_alerts": ("没有预警", "No alert"),
    # Status of an answer
    "status_deferred": ("{} 秒后提交", "is sent in {} s"),
    "status_pending": ("已提交，等待生效", "sent, waiting for the engine"),
    "status_applied": ("已生效", "applied"),
    "status_unchanged": ("无变化", "nothing changed"),
    "status_not_open": ("未生效：预警已结束", "not applied: the alert was over"),
    "status_not_held": ("未生效：事件已不在库", "not applied: the event is not deferred"),
    "status_refused": ("被拒绝：{}", "refused: {}"),
    "kind_acknowledge": ("领取", "acknowledged"),
    "kind_assign": ("分配给 {}", "assigned to {}"),
    "kind_note": ("备注", "note"),
    "kind_retract": ("撤回事件", "event retracted"),
    "kind_label": ("事件标注", "event labelled"),
    "verdict_confirmed": ("判定属实", "confirmed"),
    "verdict_false_positive": ("判定误报", "false positive"),
    "verdict_undecided": ("无法判定", "undecided"),
    # Words of alerts
    "tier_red": ("红", "red"),
    "tier_orange": ("橙", "orange"),
    "tier_yellow": ("黄", "yellow"),
    "tier_blue": ("蓝", "blue"),
    "risk_credit": ("信用风险", "credit"),
    "risk_market": ("市场风险", "market"),
    "risk_operational": ("操作风险", "operational"),
    "risk_liquidity": ("流动性风险", "liquidity"),
    "risk_legal": ("法律合规风险", "legal"),
    "change_opened": ("开立", "opened"),
    "change_resolved": ("结束", "resolved"),
    "change_escalated": ("升级", "escalated"),
    "change_rose": ("上调", "rose"),
    "change_fell": ("下调", "fell"),
    "change_acknowledged": ("已领取", "acknowledged"),
    "change_assigned": ("已分配", "assigned"),
    "change_corrected": ("更正", "corrected"),
    "change_suppressed": ("抑制通知", "suppressed"),
    "change_released": ("恢复通知", "released"),
    "change_grew": ("新增依据", "grew"),
    "resolution_quiet": ("静默期满", "quiet"),
    "resolution_confirmed": ("属实", "confirmed"),
    "resolution_false_positive": ("误报", "false positive"),
    "resolution_undecided": ("无法判定", "undecided"),
    "resolution_retracted": ("事件已撤回", "retracted"),
    "resolution_completed": ("已完成", "completed"),
    "resolution_displaced": ("超出容量被移出", "displaced"),
    "suppression_allow_list": ("白名单", "allow-list"),
    "suppression_maintenance": ("维护时段", "maintenance"),
    "suppression_silence": ("静默", "silence"),
    "suppression_inhibited": ("被更高级别预警抑制", "inhibited by a more urgent alert"),
    "suppression_cooldown": ("误报冷却期", "cooldown after a false alert"),
    "suppression_capacity": ("超出处理能力", "over capacity"),
    "ground": ("依据", "ground"),
    "ends_at": ("最迟解除", "ends at the latest"),
    "released_by": ("解除人", "released by"),
    "notice": ("告知客户", "tell the customer"),
    "entity_customer": ("客户", "customer"),
    "entity_complaint": ("投诉", "complaint"),
    "entity_device": ("设备", "device"),
    "entity_ip": ("IP 地址", "address"),
    "entity_counterparty": ("交易对方", "counterparty"),
    "entity_merchant": ("商户", "merchant"),
    "entity_branch": ("网点", "branch"),
    "entity_product": ("产品", "product"),
    "entity_channel": ("渠道", "channel"),
    "entity_bank": ("全行", "the bank"),
    "stream_transaction": ("交易", "transaction"),
    "stream_login": ("登录", "login"),
    "stream_complaint": ("投诉", "complaint"),
    # Keys
    "key_next": ("领取下一条", "take the next one"),
    "key_move": ("上下移动", "move"),
    "key_open": ("打开", "open"),
    "key_select": ("选择", "select"),
    "key_search": ("搜索", "search"),
    "key_back": ("返回列表", "back to the list"),
    "key_undo": ("撤销上一次判定", "take the last verdict back"),
    "key_news": ("显示更新", "show what is new"),
    "key_complaints": ("查看投诉", "complaints"),
    "key_help": ("显示快捷键", "this sheet"),
    # Errors
    "not_found": ("没有这条预警", "There is no such alert"),
    "not_found_hint": (
        "它可能已超过保存期限，或尚未写入历史库",
        "It may be older than what is kept, or not stored yet",
    ),
    "unavailable": ("历史库暂时不可用", "History does not answer"),
    "forbidden": ("您的角色无此权限", "Your role may not do this"),
    "too_long": ("内容过长，未提交", "That is too long, and was not sent"),
    "stale_page": ("页面已过期，请刷新", "This page is too old; load it again"),
    "too_many_deferred": (
        "提交队列已满：Kafka 无响应",
        "Too many responses wait to be sent: Kafka does not answer",
    ),
}


class Texts:
    """The texts of one language, as attributes."""

    def __init__(self, language: Language) -> None:
        index = 0 if language is Language.ZH else 1
        self._texts = {name: pair[index] for name, pair in _TEXTS.items()}

    def __getattr__(self, name: str) -> str:
        try:
            return self._texts[name]
        except KeyError:
            raise AttributeError(name) from None

    def word(self, group: str, value: object) -> str:
        """The word for a value of an enum: ``tier_red``."""
        name = f"{group}_{value}"
        return self._texts.get(name, str(value))

    def __contains__(self, name: str) -> bool:
        return name in self._texts


NAMES = frozenset(_TEXTS)
"""The names of all texts."""
