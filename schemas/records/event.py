"""What an event may tell: one struct for each kind of change. The event that holds them is in `decision.py`."""

from typing import Annotated

from schemas import enums
from schemas.records import event_base as base
from schemas.records.common import Time
from schemas.records.event_handover import Acknowledged as Acknowledged
from schemas.records.event_handover import HandedOver as HandedOver
from schemas.records.event_handover import HandoverDismissed as HandoverDismissed
from schemas.records.event_handover import HandoverReinstated as HandoverReinstated


class Opened(base.Change, frozen=True, kw_only=True):
    """受理登记: a ticket was opened for its first message."""

    ticket_id: base.TicketId
    ticket_no: Annotated[str, base.told("Its official number", "工单编号")]
    day: Annotated[str, base.told("Day of intake in Asia/Shanghai, yyyymmdd", "受理日期")]
    sequence: Annotated[int, base.told("Its number on that day", "当日序号")]
    message_id: base.MessageId
    related: Annotated[tuple[str, ...], base.told("Tickets that it continues", "关联工单")] = ()
    channel: Annotated[str | None, base.told("Channel of its first message", "诉求来源", words=enums.CHANNELS)] = None
    typed: Annotated[
        bool, base.told("Who asks was typed into a form, and is proven by nobody", "诉求人仅由表单填写")
    ] = False


class MessageFiled(base.Change, frozen=True, kw_only=True):
    """归单: a message was filed in a ticket."""

    ticket_id: base.TicketId
    message_id: base.MessageId


class Noted(base.Change, frozen=True, kw_only=True):
    """备注: a message that makes no ticket (an auto-reply, a bounce) answers this one, which does not change."""

    ticket_id: base.TicketId
    message_id: base.MessageId


class PartJoined(base.Change, frozen=True, kw_only=True):
    """分段合并: a part of a long message completed (or nearly) a ticket's text."""

    ticket_id: base.TicketId
    message_id: base.MessageId
    number: Annotated[int, base.told("Which part", "段号")]
    complete: Annotated[bool, base.told("The text is complete now", "已完整")]
    sent_at: Annotated[Time | None, base.told("When that part was sent", "来件时间")] = None


class Reopened(base.Change, frozen=True, kw_only=True):
    """重办: a closed ticket lives again."""

    ticket_id: base.TicketId


class StatusSet(base.Change, frozen=True, kw_only=True):
    """办理状态: how far it is."""

    ticket_id: base.TicketId
    status: Annotated[str, base.told("The new status", "办理状态", words=enums.STATUSES)]
    reason_code: Annotated[str | None, base.told("Why, as code", "原因代码")] = None


class KindSet(base.Change, frozen=True, kw_only=True):
    """诉求类型: what the citizen wants."""

    ticket_id: base.TicketId
    kind: Annotated[str, base.told("The new kind", "诉求类型", words=enums.REQUEST_KINDS)]
    source: base.Source
    confidence: base.Score


class CategorySet(base.Change, frozen=True, kw_only=True):
    """事项分类: what the matter is about."""

    ticket_id: base.TicketId
    code: Annotated[str, base.told("Code in the scheme", "分类代码")]
    scheme: Annotated[str, base.told("GB/T 39666 or a local scheme", "分类体系")]
    version: Annotated[str, base.told("Version of the scheme", "分类体系版本")]
    source: base.Source
    confidence: base.Score


class PlaceSet(base.Change, frozen=True, kw_only=True):
    """事发地址: the place, as code only."""

    ticket_id: base.TicketId
    adcode: Annotated[str, base.told("Adcode, 6, 9 or 12 digits", "行政区划代码")]
    source: base.Source


class DeadlineSet(base.Change, frozen=True, kw_only=True):
    """办结时限: something is due."""

    ticket_id: base.TicketId
    clock: Annotated[str, base.told("What is due", "时限类型", words=enums.CLOCKS)]
    due_at: Annotated[Time, base.told("When it runs out", "到期时间")]
    policy_id: Annotated[str, base.told("Which profile", "时限规则")]
    calendar_version: Annotated[str, base.told("Which calendar", "日历版本")]
    provisional: Annotated[bool, base.told("The year's calendar is not published yet", "暂定")]
    started_at: Annotated[Time | None, base.told("When it began", "起算时间")] = None
    extension: Annotated[int, base.told("How many of the limit's unit a clerk added to it", "延期量")] = 0
    ended: Annotated[bool, base.told("The clock runs no more: no limit is for the ticket's kind now", "已停止")] = False
    source: base.Source = "clerk"
    profile_version: Annotated[str | None, base.told("Which version of the profile's file", "时限规则版本")] = None


class Dispatched(base.Change, frozen=True, kw_only=True):
    """派单: it went to who deals with it."""

    ticket_id: base.TicketId
    organizer: Annotated[str, base.told("Code of who deals with it", "主办单位代码")]
    rule_id: Annotated[str | None, base.told("Which rule proposed it", "派单规则")] = None
    co_organizers: Annotated[tuple[str, ...], base.told("Codes of who helps", "协办单位代码")] = ()


class Returned(base.Change, frozen=True, kw_only=True):
    """退单: who had it gave it back."""

    ticket_id: base.TicketId
    reason_code: Annotated[str, base.told("Why, as code", "退单原因代码")]
    organizer: Annotated[str | None, base.told("Code of who gave it back", "退单单位代码")] = None


class Supervised(base.Change, frozen=True, kw_only=True):
    """督办: somebody presses for it."""

    ticket_id: base.TicketId
    level: Annotated[str, base.told("How hard", "督办级别", words=enums.SUPERVISION_LEVELS)]
    number: Annotated[str | None, base.told("Its number", "督办编号")] = None


class Revisited(base.Change, frozen=True, kw_only=True):
    """回访: the citizen was asked."""

    ticket_id: base.TicketId
    contacted: Annotated[bool, base.told("The citizen was reached", "已联系")]
    resolved: Annotated[bool | None, base.told("The citizen calls it resolved", "已解决")] = None
    satisfied: Annotated[bool | None, base.told("The citizen is satisfied", "满意")] = None


class EdgeAdded(base.Change, frozen=True, kw_only=True):
    """并单: an edge to another ticket, merged or of one incident."""

    ticket_id: base.TicketId
    other_id: base.OtherTicketId
    kind: base.EdgeKind
    score: base.Score


class EdgeRemoved(base.Change, frozen=True, kw_only=True):
    """解除关系: the edge is gone."""

    ticket_id: base.TicketId
    other_id: base.OtherTicketId
    kind: base.EdgeKind


class NeverLink(base.Change, frozen=True, kw_only=True):
    """禁止归单: a person undid this filing; never repeat it."""

    message_id: base.MessageId
    ticket_id: base.TicketId


class Moved(base.Change, frozen=True, kw_only=True):
    """改归: a message went to another ticket; what is left of people and texts in its former one."""

    message_id: base.MessageId
    from_ticket_id: Annotated[str, base.told("Where it was", "原工单")]
    to_ticket_id: Annotated[str, base.told("Where it is", "现工单")]
    link_version: Annotated[int, base.told("Version of the message's link", "归单关系版本")] = 2
    left_requesters: Annotated[tuple[str, ...], base.told("Keyed hashes of who still asks", "剩余诉求人标识")] = ()
    left_participants: Annotated[tuple[str, ...], base.told("Keyed hashes of the others", "剩余参与人标识")] = ()
    left_text_keys: Annotated[tuple[str, ...], base.told("Keyed digests of its texts", "剩余内容摘要值")] = ()


class Proposed(base.Change, frozen=True, kw_only=True):
    """待判定建议: a relation that a clerk should judge."""

    proposal_id: base.ProposalId
    ticket_id: base.TicketId
    relation: Annotated[str, base.told("What is proposed", "建议内容")]
    target: Annotated[str, base.told("The other ticket, or a code", "建议对象")]
    score: base.Score


class Confirmed(base.Change, frozen=True, kw_only=True):
    """确认建议: a clerk said yes to a proposal."""

    proposal_id: base.ProposalId
    ticket_id: base.TicketIdIfKnown = None


class Rejected(base.Change, frozen=True, kw_only=True):
    """否决建议: a clerk said no to a proposal."""

    proposal_id: base.ProposalId
    ticket_id: base.TicketIdIfKnown = None


class MinorFlagged(base.Change, frozen=True, kw_only=True):
    """未成年人保护: a minor asks or is concerned."""

    ticket_id: base.TicketId
    role: Annotated[str, base.told("The minor's part in it", "未成年人角色", words=enums.MINOR_ROLES)]
    topic: Annotated[str, base.told("Which of the six protections", "保护类别", words=enums.MINOR_TOPICS)]
    flag: Annotated[bool, base.told("A minor asks or is concerned", "涉未成年人")] = True
    mandatory_report: Annotated[bool, base.told("A minor may have come to harm", "强制报告")] = False
    source: base.Source = "rule"


class AcceptanceProposed(base.Change, frozen=True, kw_only=True):
    """不予受理: the hotline is not to take it, a proposal."""

    ticket_id: base.TicketId
    reason: Annotated[str, base.told("Reason code", "不予受理原因", words=enums.NOT_ACCEPTED)]


class ConfidentialitySet(base.Change, frozen=True, kw_only=True):
    """保密: who may see the ticket."""

    ticket_id: base.TicketId
    level: Annotated[str, base.told("The new level", "保密", words=enums.CONFIDENTIALITY)]
    reasons: Annotated[tuple[str, ...], base.told("Why, as codes", "保密依据")] = ()
    source: base.Source = "rule"


class DispatchProposed(base.Change, frozen=True, kw_only=True):
    """派单建议: who should deal with it by the directory; a clerk dispatches, or another is chosen."""

    ticket_id: base.TicketId
    organizer: Annotated[str | None, base.told("Code of who should deal with it", "建议主办单位代码")] = None
    co_organizers: Annotated[tuple[str, ...], base.told("Codes of who should help", "建议协办单位代码")] = ()
    rule_id: Annotated[str | None, base.told("Which rule of the directory", "派单规则")] = None
    reason_code: Annotated[str, base.told("Why this one", "建议依据", words=enums.DISPATCH_REASONS)]
    excluded: Annotated[tuple[str, ...], base.told("Codes of who gave it back", "已退单单位")] = ()
    directory_version: Annotated[str | None, base.told("Which version of the directory's file", "派单目录版本")] = None


class Redacted(base.Change, frozen=True, kw_only=True):
    """遮盖: fields and spans of the text were blacked out; the archive empties these messages.

    With neither, a message came later that would say again what was blacked out before.
    """

    ticket_id: base.TicketId
    fields: base.Fields
    spans: Annotated[tuple[tuple[int, int], ...], base.told("Start and end in the text", "遮盖位置")] = ()
    messages: base.ErasedMessages = ()


class Erased(base.Change, frozen=True, kw_only=True):
    """删除个人信息: the ticket's personal data is gone; the archive empties these messages, their blobs are deleted."""

    ticket_id: base.TicketId
    messages: base.ErasedMessages = ()


class MessagesErased(base.Change, frozen=True, kw_only=True):
    """删除来件: messages are gone from archive and blob store; one that no ticket has by then is filed in none later.

    They were named by a clerk, or came again of what was erased or redacted before.
    """

    messages: base.ErasedMessages = ()


class Read(base.Change, frozen=True, kw_only=True):
    """查阅: somebody read the ticket in clear."""

    ticket_id: base.TicketId
    fields: base.Fields = ()


class CommandRefused(base.Change, frozen=True, kw_only=True):
    """拒绝指令: a command could not be carried out."""

    command_id: Annotated[str, base.told("The command", "指令编号")]
    reason: Annotated[str, base.told("Reason, without any text of the sender", "拒绝原因")]
    code: Annotated[str, base.told("Why, as code", "拒绝代码")] = "refused"


AnyChange = (
    Opened | MessageFiled | Noted | PartJoined | Reopened | StatusSet | KindSet | CategorySet | PlaceSet | DeadlineSet
    | Dispatched | Returned | Supervised | Revisited | EdgeAdded | EdgeRemoved | NeverLink | Moved | Proposed
    | Confirmed | Rejected | HandedOver | Acknowledged | HandoverDismissed | HandoverReinstated | MinorFlagged
    | AcceptanceProposed | ConfidentialitySet | DispatchProposed | Redacted | Erased | MessagesErased | Read
    | CommandRefused
)  # fmt: skip

Changes = tuple[AnyChange, ...]
