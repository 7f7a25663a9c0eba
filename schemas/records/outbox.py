"""Outbox: an answer that a citizen is to get, and what became of it; both in one log, the intent first."""

from typing import Annotated

from msgspec import field

from schemas import enums
from schemas.fields import about
from schemas.records.common import Party, Record, Time
from schemas.records.message import Thread


class Outbox(Record, frozen=True, kw_only=True):
    """待发答复: the intent to answer one citizen once; the text is made when it is sent, so no code stands here."""

    outbox_id: Annotated[str, about("Ticket and kind, `<ticket_id>:receipt`: the same for ever", "答复标识")]
    kind: Annotated[str, about("What the answer is", "答复类型", words=enums.ANSWER_KINDS)]
    ticket_id: Annotated[str, about("The ticket it tells of; the Kafka key", "工单标识")]
    ticket_no: Annotated[str, about("Its official number", "工单编号")]
    jurisdiction: Annotated[str, about("Adcode of the city", "行政区划代码")]
    message_id: Annotated[str, about("The message it answers", "来件标识")]
    channel: Annotated[str, about("Channel of that message, and of the answer", "诉求来源", words=enums.CHANNELS)]
    channel_kind: Annotated[str, about("The finer kind", "来件方式")]
    account: Annotated[str, about("Our account that got the message, and answers", "受理账号")]
    recipient: Annotated[Party, about("Who gets the answer", "收件人", pii=1, index="object")]
    written_to: Annotated[
        str | None, about("Which identity of ours was written to, where an account has several", "客服账号")
    ] = None
    thread: Annotated[Thread, about("What it answers, for mail", "会话", index="object")] = field(
        default_factory=Thread
    )
    urgent: Annotated[
        bool, about("The message tells of an emergency: the answer names 110, 119, 120, 122", "紧急", index="boolean")
    ] = False
    received_at: Annotated[Time, about("When the citizen wrote", "来件时间", index="date")]
    at: Annotated[Time, about("Log time of the decision that it follows from", "产生时间", index="date")]


class OutboxState(Record, frozen=True, kw_only=True):
    """答复状态: how far an answer is; `sending` is written before anything leaves, so a crash never sends it twice."""

    outbox_id: Annotated[str, about("Which answer", "答复标识")]
    ticket_id: Annotated[str, about("The ticket it tells of; the Kafka key", "工单标识")]
    ticket_no: Annotated[str, about("Its official number", "工单编号")]
    jurisdiction: Annotated[str, about("Adcode of the city", "行政区划代码")]
    channel: Annotated[str, about("Channel of the answer", "诉求来源", words=enums.CHANNELS)]
    account: Annotated[str, about("Our account that answers", "受理账号")]
    state: Annotated[str, about("How far it is", "答复状态", words=enums.ANSWER_STATES)]
    code: Annotated[str | None, about("Status of the service, or why, as code", "状态代码")] = None
    reference: Annotated[
        str | None, about("The service's own id of it, by which a report names it", "服务方标识", index="none")
    ] = None
    attempts: Annotated[int, about("How often it was tried", "发送次数", index="long")] = 0
    wording_version: Annotated[
        str | None, about("While it is being sent, the version of the words that it is in", "答复用语版本")
    ] = None
    at: Annotated[Time, about("When this was written", "记录时间", index="date")]
