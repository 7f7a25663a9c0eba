"""Every record, one struct a file (docs/reference/records.md)."""

from schemas.codec import built
from schemas.records.audit import Audit
from schemas.records.call import Call, Recording
from schemas.records.command import Command
from schemas.records.common import Attachment, Edge, Emergency, Finding, InputRef, Party, Record, TicketVersion
from schemas.records.cursor import Cursor
from schemas.records.dead_letter import DeadLetter
from schemas.records.decision import Event
from schemas.records.delivery import Delivery
from schemas.records.handover import Handover
from schemas.records.link import Link
from schemas.records.message import Features, Message, Part, RawRef, Thread
from schemas.records.outbox import Outbox, OutboxState
from schemas.records.placement import Placement
from schemas.records.raw import RawMessage, raw_message, raw_of
from schemas.records.ticket import Ticket

RECORDS: dict[str, type[Record]] = {
    "message": Message,
    "command": Command,
    "event": Event,
    "link": Link,
    "ticket": Ticket,
    "handover": Handover,
    "cursor": Cursor,
    "delivery": Delivery,
    "audit": Audit,
    "outbox": Outbox,
    "outbox_state": OutboxState,
    "placement": Placement,
}
"""The JSON records by name: `ce_type` is ``cn.hotline12345.<name>.v1``."""

built(RawMessage)
for _kind in RECORDS.values():
    built(_kind)

__all__ = [
    "RECORDS", "Attachment", "Audit", "Call", "Command", "Cursor", "DeadLetter", "Delivery", "Edge", "Emergency",
    "Event", "Features", "Finding", "Handover", "InputRef", "Link", "Message", "Outbox", "OutboxState", "Part",
    "Party", "Placement", "RawMessage", "RawRef", "Record", "Recording", "Thread", "Ticket", "TicketVersion",
    "raw_message", "raw_of",
]  # fmt: skip
