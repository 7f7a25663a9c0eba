"""Audit: what an operator did with the tools, and who erased what; all else done to tickets is in the event log."""

from typing import Annotated, Any

from msgspec import field

from schemas.fields import about
from schemas.records.common import Record, Time


class Audit(Record, frozen=True, kw_only=True):
    """操作审计: one act of an operator on records."""

    audit_id: Annotated[str, about("The run and what it was done to; the Kafka key", "审计标识")]
    run_id: Annotated[str, about("Acts of one call of a tool share it", "批次标识")]
    action: Annotated[str, about("What was done: replay_started, replayed ...", "操作")]
    author: Annotated[str, about("Who did it: a clerk's or operator's account", "操作人")]
    at: Annotated[Time, about("When", "操作时间", index="date")]
    subject: Annotated[
        str | None, about("What it was done to, such as a dead letter's partition:offset", "操作对象")
    ] = None
    reason: Annotated[str | None, about("Why", "原因", pii=1, index="text")] = None
    approved_by: Annotated[str | None, about("Second person who confirmed it", "复核人")] = None
    writer: Annotated[str | None, about("Chain that the record belongs to: assign/<partition>", "写入者")] = None
    sequence: Annotated[int | None, about("Its number in the chain, from 1", "链内序号", index="long")] = None
    previous: Annotated[
        str | None, about("`hash` of the record before it in the chain; null for the first", "前一条摘要")
    ] = None
    hash: Annotated[str | None, about("SHA-256 of all other fields, as JSON with sorted names", "本条摘要")] = None
    details: Annotated[dict[str, Any], about("Filters, places and counts; never content", "详情", index="none")] = (
        field(default_factory=dict)
    )
