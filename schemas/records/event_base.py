"""What the changes of an event share: their base, and fields of ids, codes and numbers, never personal data."""

from functools import partial
from typing import Annotated

from msgspec import Struct

from schemas import enums
from schemas.fields import about
from schemas.records.common import Record

told = partial(about, index="none")
"""Describe a field of a change: the archive does not index events."""

TicketId = Annotated[str, told("The ticket", "工单标识")]
TicketIdIfKnown = Annotated[str | None, told("The ticket", "工单标识")]
OtherTicketId = Annotated[str, told("The other ticket", "另一工单")]
MessageId = Annotated[str, told("The message", "来件标识")]
HandoverId = Annotated[str, told("The hand-over", "转接标识")]
ProposalId = Annotated[str, told("The proposal", "建议标识")]
Score = Annotated[float, told("How sure, 0 to 1", "置信度")]
Source = Annotated[str, told("Who says so", "来源", words=enums.DECIDED_BY)]
EdgeKind = Annotated[str, told("Which relation", "关系类型", words=enums.EDGE_KINDS)]
Fields = Annotated[tuple[str, ...], told("Which fields, by dotted path", "字段")]


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class Change(Struct, frozen=True, kw_only=True, tag_field="change", tag=_snake):
    """One change of one ticket; `apply` folds it into the state."""


class ErasedMessage(Record, frozen=True, kw_only=True):
    """删除的来件: a message that the archive empties; `month` (UTC) of its intake names its index."""

    message_id: MessageId
    month: Annotated[str | None, told("Month of intake: 2026-11", "接入月份")] = None


ErasedMessages = Annotated[tuple[ErasedMessage, ...], told("Messages that the archive empties", "删除的来件")]
