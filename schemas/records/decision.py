"""Event: one decision, with all its changes; the event log alone rebuilds every decision."""

from typing import Annotated

from msgspec import Struct

from schemas import enums
from schemas.fields import about
from schemas.records.common import InputRef, Record, TicketVersion, Time
from schemas.records.event import Changes
from schemas.records.message import Features


class AuditHead(Struct, frozen=True, kw_only=True):
    """审计链位置: the last record that the partition's writer put into the audit log."""

    sequence: Annotated[int, about("Its number in the chain", "链内序号", index="none")]
    hash: Annotated[str, about("Its hash", "摘要", index="none")]


class Event(Record, frozen=True, kw_only=True):
    """判定: one decision, never half there; no personal text."""

    event_id: Annotated[str, about("The input's id; a command's with `command:` before it", "判定标识")]
    jurisdiction: Annotated[str, about("Adcode of the city", "行政区划代码")]
    tickets: Annotated[tuple[TicketVersion, ...], about("Every ticket it changed", "工单版本", index="object")] = ()
    at: Annotated[Time, about("Log time: the input's ce_recordedtime or the command's `at`", "判定时间", index="date")]
    author: Annotated[str, about("assign, or who gave the command", "判定者")] = "assign"
    input: Annotated[InputRef, about("What it answers", "输入", index="object")]
    features: Annotated[Features | None, about("Features of the message it files", "特征", index="none")] = None
    relation: Annotated[str, about("Why it decided so", "关系", words=enums.RELATIONS)]
    method: Annotated[str | None, about("Which decider, by which test", "判定方法")] = None
    score: Annotated[float, about("How sure, 0 to 1", "置信度", index="double")] = 1.0
    evidence: Annotated[tuple[str, ...], about("Codes and ids, never text", "判定依据", index="none")] = ()
    policy_version: Annotated[str, about("Version of the policy that decided", "策略版本")]
    approved_by: Annotated[str | None, about("Second person who confirmed the command", "复核人")] = None
    audit: Annotated[
        AuditHead | None, about("Last record of the audit chain behind it", "审计链位置", index="none")
    ] = None
    changes: Annotated[Changes, about("What `apply` folds", "变更", index="none")] = ()

    @property
    def key(self) -> str:
        """Return the Kafka key: the first ticket, else the input's id."""
        if self.tickets:
            return self.tickets[0].ticket_id
        return self.input.message_id or self.input.command_id or self.event_id
