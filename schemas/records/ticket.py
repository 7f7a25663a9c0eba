"""Ticket (工单): the snapshot downstream systems live on; the highest `version` wins.

``null`` is "not known", absent is "not asked" (`UNSET`: no stage has looked yet).
"""

from typing import Annotated

from msgspec import UNSET, UnsetType, field

from schemas import enums
from schemas.envelope import VERSION
from schemas.fields import about
from schemas.records.common import Attachment, Edge, Emergency, Party, Record, Time
from schemas.records.dispatch import Dispatch, DispatchProposal


class Category(Record, frozen=True, kw_only=True):
    """事项分类: what the matter is about, in a scheme of categories."""

    code: Annotated[str, about("Code in the scheme", "分类代码")]
    scheme: Annotated[str, about("GB/T 39666 or a local scheme", "分类体系")]
    version: Annotated[str, about("Version of the scheme", "分类体系版本")]
    path: Annotated[tuple[str, ...], about("Names from the root", "分类路径")] = ()
    source: Annotated[str, about("Who says so", "分类来源", words=enums.DECIDED_BY)] = "rule"
    confidence: Annotated[float, about("How sure, 0 to 1", "置信度", index="double")] = 1.0


class Origin(Record, frozen=True, kw_only=True):
    """原热线/来文: where a merged line or another system took it."""

    hotline_code: Annotated[str | None, about("Number dialled, such as 12301", "原热线号码")] = None
    merge_mode: Annotated[
        str | None, about("How that line was merged: 整体并入, 双号并行, 设分中心", "归并方式", words=enums.MERGE_MODES)
    ] = None
    external_ticket_no: Annotated[str | None, about("Its number in the other system", "来文编号")] = None
    from_system: Annotated[str | None, about("The other system; nothing tells it yet: null", "来源系统")] = None


class Requester(Record, frozen=True, kw_only=True):
    """诉求人: who asks, as the channels showed it."""

    id: Annotated[str | None, about("Keyed hash", "诉求人标识", pii=1)] = None
    kind: Annotated[
        str | None,
        about("Person or organisation (null: no channel tells it yet)", "诉求人类型", words=enums.REQUESTER_KINDS),
    ] = None
    name: Annotated[str | None, about("Name", "姓名", pii=1)] = None
    phone: Annotated[str | None, about("Phone number", "联系电话", pii=1)] = None
    email: Annotated[str | None, about("E-mail address", "电子邮箱", pii=1)] = None
    openid: Annotated[str | None, about("WeChat openid", "微信标识", pii=1)] = None
    weibo_uid: Annotated[str | None, about("Weibo uid", "微博标识", pii=1)] = None
    uid: Annotated[str | None, about("What another system calls its user", "平台账号", pii=1)] = None
    identities: Annotated[tuple[Party, ...], about("Every identity seen", "全部联系方式", pii=1, index="none")] = ()


class Location(Record, frozen=True, kw_only=True):
    """事发地址: where it happened."""

    text: Annotated[str | None, about("As said", "事发地址", pii=1, index="words")] = None
    adcode: Annotated[str | None, about("Adcode, 6, 9 or 12 digits", "行政区划代码")] = None
    longitude: Annotated[
        float | None, about("Degrees east, as the citizen's map shows it", "经度", pii=1, index="double")
    ] = None
    latitude: Annotated[float | None, about("Degrees north", "纬度", pii=1, index="double")] = None
    datum: Annotated[str | None, about("System of these coordinates", "坐标系", words=enums.DATUMS)] = None


class Deadline(Record, frozen=True, kw_only=True):
    """办结时限: when something is due."""

    clock: Annotated[str, about("What is due", "时限类型", words=enums.CLOCKS)]
    due_at: Annotated[Time, about("When it runs out", "到期时间", index="date")]
    policy_id: Annotated[str, about("Which profile", "时限规则")]
    calendar_version: Annotated[str, about("Which calendar", "日历版本")]
    provisional: Annotated[bool, about("The year's calendar is not published yet", "暂定", index="boolean")] = False
    extended_from: Annotated[Time | None, about("Former due time", "原到期时间", index="date")] = None
    profile_version: Annotated[str | None, about("Which version of the profile's file", "时限规则版本")] = None


class Due(Record, frozen=True, kw_only=True):
    """待办时限: until when what the ticket waits for now should have come; null where it waits for no such thing."""

    accept_at: Annotated[Time | None, about("Until when it should be accepted", "受理到期时间", index="date")] = None
    sign_at: Annotated[Time | None, about("Until when it should be signed", "签收到期时间", index="date")] = None
    resolve_at: Annotated[Time | None, about("Until when it should be resolved", "办结到期时间", index="date")] = None


class Proposal(Record, frozen=True, kw_only=True):
    """待判定建议: a relation or code that a clerk should judge."""

    proposal_id: Annotated[str, about("Id to confirm or reject", "建议标识")]
    relation: Annotated[str, about("What is proposed", "建议内容")]
    target: Annotated[str, about("The other ticket, or a code", "建议对象")]
    score: Annotated[float, about("How sure, 0 to 1", "置信度", index="double")]


class Acceptance(Record, frozen=True, kw_only=True):
    """受理/不予受理: whether the hotline takes the matter."""

    decision: Annotated[str, about("Taken or not", "受理决定", words=enums.ACCEPTANCE)]
    reason: Annotated[str | None, about("Reason code", "不予受理原因", words=enums.NOT_ACCEPTED)] = None
    text: Annotated[str | None, about("What to tell the citizen, with the right channel", "告知内容", index="none")] = (
        None
    )


class Supervision(Record, frozen=True, kw_only=True):
    """督办: somebody presses for it."""

    level: Annotated[str, about("How hard: 催办, 督办, 重点督办, 现场督办", "督办级别", words=enums.SUPERVISION_LEVELS)]
    number: Annotated[str | None, about("Its number", "督办编号")] = None
    at: Annotated[Time, about("When", "督办时间", index="date")]


class Revisit(Record, frozen=True, kw_only=True):
    """回访: the citizen was asked; the last one of each ticket makes the three rates (响应率, 解决率, 满意率)."""

    at: Annotated[Time, about("When", "回访时间", index="date")]
    contacted: Annotated[bool, about("The organizer contacted the citizen", "响应", index="boolean")]
    resolved: Annotated[
        bool | None, about("The citizen says it is resolved; null when not asked", "解决", index="boolean")
    ] = None
    satisfied: Annotated[
        bool | None, about("The citizen is satisfied; null when not asked", "满意", index="boolean")
    ] = None


class Result(Record, frozen=True, kw_only=True):
    """办理结果: what came of it."""

    kind: Annotated[str | None, about("resolved, explained, not_feasible ...", "结果类型")] = None
    text: Annotated[str | None, about("What the citizen is told", "办理结果", pii=1, index="words")] = None


class StatusStep(Record, frozen=True, kw_only=True):
    """办理过程: a stage that the ticket reached."""

    status: Annotated[str, about("The stage", "办理状态", words=enums.STATUSES)]
    at: Annotated[Time, about("When it reached it", "时间", index="date")]


class HandoverState(Record, frozen=True, kw_only=True):
    """紧急转接: the hand-over of one of its messages, as the emergency desk answered."""

    handover_id: Annotated[str, about("The hand-over", "转接标识")]
    acknowledged_at: Annotated[Time | None, about("When the emergency desk took it", "签收时间", index="date")] = None
    acknowledged_by: Annotated[str | None, about("Who took it: an account", "签收人")] = None
    dismissed_at: Annotated[Time | None, about("When it was called a false alarm", "误报解除时间", index="date")] = None
    dismissed_by: Annotated[str | None, about("Who called it one: an account", "误报解除人")] = None
    dismissed_reason: Annotated[str | None, about("Why", "误报原因", words=enums.FALSE_ALARMS)] = None
    reinstated_at: Annotated[Time | None, about("When a clerk took that back", "恢复转接时间", index="date")] = None
    reinstated_by: Annotated[str | None, about("Who took it back: an account", "恢复转接人")] = None


class MinorProtection(Record, frozen=True, kw_only=True):
    """未成年人保护: a minor asks or is concerned."""

    flag: Annotated[bool, about("A minor asks or is concerned", "涉未成年人", index="boolean")]
    role: Annotated[str | None, about("The minor's part in it", "未成年人角色", words=enums.MINOR_ROLES)] = None
    topic: Annotated[
        str | None, about("Which of the six protections (六大保护)", "保护类别", words=enums.MINOR_TOPICS)
    ] = None
    mandatory_report: Annotated[
        bool | None, about("A minor may have come to harm: report it (强制报告)", "强制报告", index="boolean")
    ] = None
    referral_body: Annotated[str | None, about("Who is to be told", "转介单位")] = None
    basis: Annotated[str | None, about("By which law", "法律依据")] = None


class Lineage(Record, frozen=True, kw_only=True):
    """溯源: what the snapshot was made from."""

    message_ids: Annotated[tuple[str, ...], about("The newest 20 messages", "来件标识")] = ()
    policy_version: Annotated[str | None, about("Policy that decided last", "策略版本")] = None
    rules_versions: Annotated[dict[str, str], about("Versions of the rules used", "规则版本", index="none")] = field(
        default_factory=dict
    )


class Ticket(Record, frozen=True, kw_only=True):
    """工单: the workflow sheet of one matter of one citizen."""

    schema_version: Annotated[str, about("Semantic version of this shape", "结构版本")] = VERSION
    ticket_id: Annotated[str, about("Adcode, dash, 20 base32 characters; the Kafka key", "工单标识")]
    ticket_no: Annotated[str, about("Official number: adcode-yyyymmdd-sequence-check", "工单编号")]
    query_code_hash: Annotated[
        str | None, about("Digest of the code by which the citizen asks for it", "查询码摘要", index="none")
    ] = None
    version: Annotated[int, about("One more per change; the archive's external version", "版本", index="long")]
    jurisdiction: Annotated[str, about("Adcode of the city", "行政区划代码")]
    status: Annotated[str, about("How far it is", "办理状态", words=enums.STATUSES)]
    status_at: Annotated[Time, about("When the status was set", "状态时间", index="date")]
    channel: Annotated[str, about("Channel of the first message", "诉求来源", words=enums.CHANNELS)]
    channel_kind: Annotated[str, about("Finer kind of that channel", "来件方式")]
    channel_account: Annotated[str, about("Our account that got the first message", "受理账号")]
    channels: Annotated[tuple[str, ...], about("Every channel it came by", "全部来源", words=enums.CHANNELS)] = ()
    origin: Annotated[Origin | None, about("The line or system that took it first", "原热线/来文", index="object")] = (
        None
    )
    request_kind: Annotated[str | None, about("What the citizen wants", "诉求类型", words=enums.REQUEST_KINDS)] = None
    request_kind_group: Annotated[
        str | None, about("One of the five groups of the statistics", "诉求大类", words=enums.REQUEST_KIND_GROUPS)
    ] = None
    request_kind_source: Annotated[str | None, about("Who says so", "诉求类型来源", words=enums.DECIDED_BY)] = None
    request_kind_confidence: Annotated[float | None, about("How sure, 0 to 1", "置信度", index="double")] = None
    category: Annotated[Category | None, about("What the matter is about", "事项分类", index="object")] = None
    title: Annotated[
        str | None, about("The first message's title, else its first words", "标题", pii=1, index="words")
    ] = None
    text: Annotated[str, about("Text of all its messages, oldest first", "诉求内容", pii=2, index="words")] = ""
    summary: Annotated[str | None, about("Derived; nothing makes one yet: null", "摘要", pii=1, index="words")] = None
    search_text: Annotated[str, about("Title and text, folded for search", "检索文本", pii=2, index="text")] = ""
    requester: Annotated[Requester, about("Who asks", "诉求人", index="object")] = field(default_factory=Requester)
    anonymous: Annotated[str, about("Whether the identity is given", "匿名", words=enums.ANONYMITY)] = "given"
    confidentiality: Annotated[str, about("Who may see it", "保密", words=enums.CONFIDENTIALITY)] = "internal"
    confidentiality_reasons: Annotated[tuple[str, ...], about("Why, as codes", "保密依据")] = ()
    location: Annotated[Location | None, about("Where it happened", "事发地址", index="object")] = None
    received_at: Annotated[Time, about("When the first message was sent", "来件时间", index="date")]
    ingested_at: Annotated[Time, about("When we took the first message", "接入时间", index="date")]
    updated_at: Annotated[Time, about("Log time of the last change", "更新时间", index="date")]
    closed_at: Annotated[Time | None, about("When it was closed", "办结时间", index="date")] = None
    first_message_id: Annotated[str, about("The message that opened it", "首件标识")]
    message_count: Annotated[int, about("How many messages it holds", "来件数", index="long")]
    attachments: Annotated[tuple[Attachment, ...], about("Files of its messages", "附件", index="object")] = ()
    urgency: Annotated[str, about("How urgent", "紧急程度", words=enums.URGENCIES)] = "normal"
    emergency: Annotated[Emergency | None, about("An emergency that was handed over", "紧急转接", index="object")] = (
        None
    )
    minor_protection: Annotated[
        MinorProtection | UnsetType, about("Whether a minor is concerned", "未成年人保护", index="object")
    ] = UNSET
    acceptance: Annotated[
        Acceptance | UnsetType, about("Whether the hotline takes it", "受理/不予受理", index="object")
    ] = UNSET
    dispatch: Annotated[Dispatch | UnsetType, about("Who is to deal with it", "派单", index="object")] = UNSET
    dispatch_proposal: Annotated[
        DispatchProposal | UnsetType, about("Who should deal with it by the directory", "派单建议", index="object")
    ] = UNSET
    history: Annotated[
        tuple[StatusStep, ...], about("Stages after it was received, the newest last", "办理过程", index="none")
    ] = ()
    supervision: Annotated[tuple[Supervision, ...], about("Who presses for it", "督办", index="object")] = ()
    revisits: Annotated[
        tuple[Revisit, ...], about("The citizen's answers, the newest last", "回访", index="object")
    ] = ()
    result: Annotated[Result | None, about("What came of it", "办理结果", index="object")] = None
    handovers: Annotated[
        tuple[HandoverState, ...], about("Hand-overs and the desk's answers", "紧急转接", index="object")
    ] = ()
    deadlines: Annotated[tuple[Deadline, ...] | UnsetType, about("What is due when", "办结时限", index="object")] = (
        UNSET
    )
    due: Annotated[
        Due | None,
        about("Of the deadlines those that it waits for now: null when none runs", "待办时限", index="object"),
    ] = None
    edges: Annotated[tuple[Edge, ...], about("Relations to other tickets", "工单关系", index="object")] = ()
    related: Annotated[tuple[str, ...], about("Tickets to read beside it", "关联工单")] = ()
    cluster_id: Annotated[str, about("Oldest ticket of the connected component; itself when alone", "重复诉求")]
    cluster_no: Annotated[
        str | None, about("Official number of that ticket; null when alone", "重复诉求的工单编号", index="none")
    ] = None
    proposals: Annotated[tuple[Proposal, ...], about("What a clerk should judge", "待判定建议", index="object")] = ()
    labels: Annotated[tuple[str, ...], about("Scheme and code", "标签")] = ()
    masked: Annotated[bool, about("Personal data is masked", "已脱敏", index="boolean")] = False
    erased: Annotated[bool, about("Personal data is gone for ever", "已删除个人信息", index="boolean")] = False
    redacted_version: Annotated[
        int | UnsetType,
        about(
            "Version in which words were blacked out last: those of an older one have to go", "涂黑版本", index="none"
        ),
    ] = UNSET
    redacted_words: Annotated[
        tuple[str, ...] | UnsetType,
        about(
            "Length and keyed digests of each of the words that were blacked out: who says them again is not shown",
            "涂黑内容摘要",
            pii=1,
            index="none",
        ),
    ] = UNSET
    confidentiality_version: Annotated[
        int | UnsetType,
        about(
            "Version in which who may see it was changed last: who may no more drops older ones",
            "保密级别版本",
            index="none",
        ),
    ] = UNSET
    lineage: Annotated[Lineage, about("What it was made from", "溯源", index="object")] = field(default_factory=Lineage)
