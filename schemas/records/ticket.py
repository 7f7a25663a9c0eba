"""Ticket (工单): the snapshot downstream systems live on; the highest `version` wins.

Fields follow domain.md B11. ``null`` is "not known", absent is "not asked" (`UNSET`: no stage has looked yet).
"""

from typing import Annotated

from msgspec import UNSET, UnsetType, field

from schemas.fields import about
from schemas.records.common import Attachment, Edge, Emergency, Party, Record, Time


class Category(Record, frozen=True, kw_only=True):
    """事项分类."""

    code: Annotated[str, about("Code in the scheme")]
    scheme: Annotated[str, about("GB/T 39666 or a local scheme")]
    version: Annotated[str, about("Version of the scheme")]
    path: Annotated[tuple[str, ...], about("Names from the root")] = ()
    source: Annotated[str, about("requester, rule, model or clerk")] = "rule"
    confidence: Annotated[float, about("0 to 1", index="double")] = 1.0


class Origin(Record, frozen=True, kw_only=True):
    """原热线/来文: where a merged line or another system took it."""

    hotline_code: Annotated[str | None, about("Number dialled, such as 12301")] = None
    merge_mode: Annotated[str | None, about("merged, parallel or branch (整体并入, 双号并行, 设分中心)")] = None
    external_ticket_no: Annotated[str | None, about("来文编号")] = None
    from_system: Annotated[str | None, about("来源系统")] = None


class Requester(Record, frozen=True, kw_only=True):
    """诉求人: who asks, as the channels showed it."""

    id: Annotated[str | None, about("诉求人标识: keyed hash", pii=1)] = None
    kind: Annotated[str | None, about("natural_person, legal_person or other_org")] = None
    name: Annotated[str | None, about("姓名", pii=1)] = None
    phone: Annotated[str | None, about("联系电话", pii=1)] = None
    email: Annotated[str | None, about("E-mail address", pii=1)] = None
    openid: Annotated[str | None, about("WeChat openid", pii=1)] = None
    weibo_uid: Annotated[str | None, about("Weibo uid", pii=1)] = None
    identities: Annotated[tuple[Party, ...], about("Every identity seen", pii=1, index="none")] = ()


class Location(Record, frozen=True, kw_only=True):
    """事发地址."""

    text: Annotated[str | None, about("As said", pii=1, index="words")] = None
    adcode: Annotated[str | None, about("行政区划代码, 6, 9 or 12 digits")] = None


class Deadline(Record, frozen=True, kw_only=True):
    """办结时限."""

    clock: Annotated[str, about("accept, sign, first_contact, resolve or return")]
    due_at: Annotated[Time, about("When it runs out", index="date")]
    policy_id: Annotated[str, about("Which profile")]
    calendar_version: Annotated[str, about("Which calendar")]
    provisional: Annotated[bool, about("The year's calendar is not published yet", index="boolean")] = False
    extended_from: Annotated[Time | None, about("Former due time", index="date")] = None


class Proposal(Record, frozen=True, kw_only=True):
    """A relation or code that a clerk should judge."""

    proposal_id: Annotated[str, about("Id to confirm or reject")]
    relation: Annotated[str, about("What is proposed")]
    target: Annotated[str, about("The other ticket, or a code")]
    score: Annotated[float, about("0 to 1", index="double")]


class Acceptance(Record, frozen=True, kw_only=True):
    """受理/不予受理."""

    decision: Annotated[str, about("accepted, not_accepted or proposed")]
    reason: Annotated[str | None, about("Reason code, such as emergency_line or out_of_jurisdiction")] = None


class DispatchReturn(Record, frozen=True, kw_only=True):
    """退单."""

    reason_code: Annotated[str, about("Why the organizer is not responsible")]
    at: Annotated[Time, about("退单时间", index="date")]


class Dispatch(Record, frozen=True, kw_only=True):
    """派单."""

    organizer_code: Annotated[str | None, about("主办单位 (code)")] = None
    organizer_name: Annotated[str | None, about("主办单位")] = None
    co_organizers: Annotated[tuple[str, ...], about("协办单位")] = ()
    dispatched_at: Annotated[Time | None, about("派单时间", index="date")] = None
    rule_id: Annotated[str | None, about("Which rule proposed it")] = None
    dispatched_by: Annotated[str | None, about("派单人: an account")] = None
    returns: Annotated[tuple[DispatchReturn, ...], about("退单", index="object")] = ()


class Supervision(Record, frozen=True, kw_only=True):
    """督办."""

    level: Annotated[str, about("reminder, supervision, key_supervision or on_site (催办, 督办, 重点督办, 现场督办)")]
    number: Annotated[str | None, about("督办编号")] = None
    at: Annotated[Time, about("督办时间", index="date")]


class Revisit(Record, frozen=True, kw_only=True):
    """回访; the last one of each ticket makes the three rates (响应率, 解决率, 满意率)."""

    at: Annotated[Time, about("回访时间", index="date")]
    contacted: Annotated[bool, about("响应: the organizer contacted the citizen", index="boolean")]
    resolved: Annotated[bool | None, about("解决: the citizen says it is; null when not asked", index="boolean")] = None
    satisfied: Annotated[bool | None, about("满意: the citizen is; null when not asked", index="boolean")] = None


class Result(Record, frozen=True, kw_only=True):
    """办理结果."""

    kind: Annotated[str | None, about("resolved, explained, not_feasible ...")] = None
    text: Annotated[str | None, about("What the citizen is told", pii=1, index="words")] = None


class HandoverState(Record, frozen=True, kw_only=True):
    """紧急转接 of one of its messages, as the emergency desk answered."""

    handover_id: Annotated[str, about("The hand-over")]
    acknowledged_at: Annotated[Time | None, about("When the emergency desk took it", index="date")] = None
    acknowledged_by: Annotated[str | None, about("Who took it: an account")] = None


class MinorProtection(Record, frozen=True, kw_only=True):
    """未成年人保护 (domain.md B6)."""

    flag: Annotated[bool, about("A minor asks or is concerned", index="boolean")]
    role: Annotated[str | None, about("requester or subject")] = None
    topic: Annotated[str | None, about("family, school, society, network, government or judicial")] = None


class Lineage(Record, frozen=True, kw_only=True):
    """溯源: what the snapshot was made from."""

    message_ids: Annotated[tuple[str, ...], about("The newest 20 messages")] = ()
    policy_version: Annotated[str | None, about("Policy that decided last")] = None
    rules_versions: Annotated[dict[str, str], about("Versions of the rules used", index="none")] = field(
        default_factory=dict
    )


class Ticket(Record, frozen=True, kw_only=True):
    """工单: the workflow sheet of one matter of one citizen."""

    schema_version: Annotated[str, about("Semantic version of this shape")] = "1.0.0"
    ticket_id: Annotated[str, about("adcode, dash, 20 base32 characters; the Kafka key")]
    ticket_no: Annotated[str, about("工单编号: adcode-yyyymmdd-sequence-check")]
    query_code_hash: Annotated[str | None, about("Digest of the citizen's 查询码", index="none")] = None
    version: Annotated[int, about("One more per change; the archive's external version", index="long")]
    jurisdiction: Annotated[str, about("行政区划代码 of the city")]
    status: Annotated[str, about("办理状态: received, registered, dispatched, in_progress, resolved ...")]
    status_at: Annotated[Time, about("When the status was set", index="date")]
    channel: Annotated[str, about("诉求来源 of the first message")]
    channel_kind: Annotated[str, about("渠道 of the first message")]
    channel_account: Annotated[str, about("受理账号 of the first message, as there")]
    channels: Annotated[tuple[str, ...], about("Every channel it came by")] = ()
    origin: Annotated[Origin | None, about("原热线/来文", index="object")] = None
    request_kind: Annotated[
        str | None, about("诉求类型: consultation, help_request, complaint, report, suggestion, praise or other")
    ] = None
    request_kind_group: Annotated[str | None, about("The five groups")] = None
    request_kind_source: Annotated[str | None, about("requester, rule, model or clerk")] = None
    request_kind_confidence: Annotated[float | None, about("0 to 1", index="double")] = None
    category: Annotated[Category | None, about("事项分类", index="object")] = None
    title: Annotated[str | None, about("标题: the first message's, else the first words", pii=1, index="words")] = None
    text: Annotated[str, about("诉求内容 of all its messages, oldest first", pii=2, index="words")] = ""
    summary: Annotated[str | None, about("摘要, derived", pii=1, index="words")] = None
    search_text: Annotated[str, about("Title and text, folded for search", pii=2, index="text")] = ""
    requester: Annotated[Requester, about("诉求人", index="object")] = field(default_factory=Requester)
    anonymous: Annotated[str, about("given, not_given or withheld_on_request (匿名)")] = "given"
    confidentiality: Annotated[str, about("public, internal, confidential or restricted (保密)")] = "internal"
    location: Annotated[Location | None, about("事发地址", index="object")] = None
    received_at: Annotated[Time, about("来件时间 of the first message", index="date")]
    ingested_at: Annotated[Time, about("接入时间 of the first message", index="date")]
    updated_at: Annotated[Time, about("Log time of the last change", index="date")]
    closed_at: Annotated[Time | None, about("办结时间", index="date")] = None
    first_message_id: Annotated[str, about("The message that opened it")]
    message_count: Annotated[int, about("How many messages it holds", index="long")]
    attachments: Annotated[tuple[Attachment, ...], about("附件 of its messages", index="object")] = ()
    urgency: Annotated[str, about("normal, urgent or critical (紧急程度)")] = "normal"
    emergency: Annotated[Emergency | None, about("紧急转接", index="object")] = None
    minor_protection: Annotated[MinorProtection | UnsetType, about("未成年人保护", index="object")] = UNSET
    acceptance: Annotated[Acceptance | UnsetType, about("受理/不予受理", index="object")] = UNSET
    dispatch: Annotated[Dispatch | UnsetType, about("派单", index="object")] = UNSET
    supervision: Annotated[tuple[Supervision, ...], about("督办", index="object")] = ()
    revisits: Annotated[tuple[Revisit, ...], about("回访, the newest last", index="object")] = ()
    result: Annotated[Result | None, about("办理结果", index="object")] = None
    handovers: Annotated[tuple[HandoverState, ...], about("紧急转接: hand-overs and answers", index="object")] = ()
    deadlines: Annotated[tuple[Deadline, ...] | UnsetType, about("办结时限", index="object")] = UNSET
    edges: Annotated[tuple[Edge, ...], about("Relations to other tickets", index="object")] = ()
    related: Annotated[tuple[str, ...], about("关联工单")] = ()
    cluster_id: Annotated[str, about("Oldest ticket of the connected component; itself when alone")]
    proposals: Annotated[tuple[Proposal, ...], about("What a clerk should judge", index="object")] = ()
    labels: Annotated[tuple[str, ...], about("标签")] = ()
    masked: Annotated[bool, about("Personal data is masked", index="boolean")] = False
    erased: Annotated[bool, about("Personal data is gone for ever", index="boolean")] = False
    lineage: Annotated[Lineage, about("溯源", index="object")] = field(default_factory=Lineage)
