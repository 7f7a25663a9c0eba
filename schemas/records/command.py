"""Command: what a clerk or a back office wants done to a ticket."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from msgspec import field

from schemas import enums, topics
from schemas.codec import Outbound, encode
from schemas.command_signature import Signer
from schemas.envelope import Envelope, schema_of, type_of
from schemas.fields import about
from schemas.records.common import Record, Time

KINDS = tuple(enums.COMMAND_KINDS)


class Command(Record, frozen=True, kw_only=True):
    """操作指令: one order from outside; idempotent by `command_id`."""

    command_id: Annotated[str, about("Chosen by the sender; a repeat changes nothing", "指令编号")]
    jurisdiction: Annotated[str, about("Adcode of the city", "行政区划代码")]
    ticket_id: Annotated[str | None, about("The ticket it is about", "工单标识")] = None
    handover_id: Annotated[str | None, about("The hand-over it is about", "转接标识")] = None
    kind: Annotated[str, about("What is to be done", "指令类型", words=enums.COMMAND_KINDS)]
    author: Annotated[str, about("Who orders it: a clerk's or system's account", "操作人")]
    at: Annotated[Time, about("When it was ordered", "下达时间", index="date")]
    seen_at: Annotated[
        Time | None,
        about("By when its sender had read the ticket; null: when it was ordered", "阅单时间", index="date"),
    ] = None
    reason: Annotated[str | None, about("Why", "原因", pii=1, index="text")] = None
    args: Annotated[dict[str, Any], about("Arguments of the kind", "指令参数", index="none")] = field(
        default_factory=dict
    )

    def outbound(
        self, recorded: datetime, signer: Signer | None = None, more: Sequence[tuple[str, bytes]] = ()
    ) -> Outbound:
        """Return the record for `hotline.command.v1`; the commands about one ticket stay in order."""
        value = encode(self)
        envelope = Envelope(
            id=self.command_id,
            source=f"/hotline/command/{self.author}",
            type=type_of("command"),
            dataschema=schema_of("command"),
            time=self.at,
            recordedtime=recorded,
            jurisdiction=self.jurisdiction,
        )
        key = self.ticket_id or self.handover_id or self.command_id
        signed = signer.headers(value) if signer else []
        return Outbound(topics.COMMAND, key.encode(), value, [*envelope.headers(), *signed, *more])
