"""Event: one decision, with all its changes; the event log alone rebuilds every decision."""

from typing import Annotated

from msgspec import Struct

from schemas.fields import about
from schemas.records.common import Record, Time
from schemas.records.message import Features


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class Change(Struct, frozen=True, kw_only=True, tag_field="change", tag=_snake):
    """One change of one ticket; `apply` folds it into the state."""


class Opened(Change, frozen=True, kw_only=True):
    """A ticket was opened (受理登记) for its first message."""

    ticket_id: str
    ticket_no: str
    day: str
    sequence: int
    message_id: str
    related: tuple[str, ...] = ()


class MessageFiled(Change, frozen=True, kw_only=True):
    """A message was filed in a ticket."""

    ticket_id: str
    message_id: str


class Noted(Change, frozen=True, kw_only=True):
    """A message that makes no ticket (an auto-reply, a bounce) answers this one, which does not change."""

    ticket_id: str
    message_id: str


class PartJoined(Change, frozen=True, kw_only=True):
    """A part of a long message completed (or nearly) a ticket's text."""

    ticket_id: str
    message_id: str
    number: int
    complete: bool
    sent_at: Time | None = None


class Reopened(Change, frozen=True, kw_only=True):
    """A closed ticket lives again (重办)."""

    ticket_id: str


class StatusSet(Change, frozen=True, kw_only=True):
    """办理状态."""

    ticket_id: str
    status: str
    reason_code: str | None = None


class KindSet(Change, frozen=True, kw_only=True):
    """诉求类型."""

    ticket_id: str
    kind: str
    source: str
    confidence: float


class CategorySet(Change, frozen=True, kw_only=True):
    """事项分类."""

    ticket_id: str
    code: str
    scheme: str
    version: str
    source: str
    confidence: float


class PlaceSet(Change, frozen=True, kw_only=True):
    """事发地址, as code only."""

    ticket_id: str
    adcode: str
    source: str


class DeadlineSet(Change, frozen=True, kw_only=True):
    """办结时限."""

    ticket_id: str
    clock: str
    due_at: Time
    policy_id: str
    calendar_version: str
    provisional: bool
    started_at: Time | None = None
    source: str = "clerk"


class Dispatched(Change, frozen=True, kw_only=True):
    """派单."""

    ticket_id: str
    organizer: str
    rule_id: str | None = None
    co_organizers: tuple[str, ...] = ()


class Returned(Change, frozen=True, kw_only=True):
    """退单."""

    ticket_id: str
    reason_code: str


class Supervised(Change, frozen=True, kw_only=True):
    """督办."""

    ticket_id: str
    level: str
    number: str | None = None


class Revisited(Change, frozen=True, kw_only=True):
    """回访."""

    ticket_id: str
    contacted: bool
    resolved: bool | None = None
    satisfied: bool | None = None


class EdgeAdded(Change, frozen=True, kw_only=True):
    """并单 or cluster: an edge to another ticket."""

    ticket_id: str
    other_id: str
    kind: str
    score: float


class EdgeRemoved(Change, frozen=True, kw_only=True):
    """The edge is gone."""

    ticket_id: str
    other_id: str
    kind: str


class NeverLink(Change, frozen=True, kw_only=True):
    """A person undid this filing: never repeat it."""

    message_id: str
    ticket_id: str


class Moved(Change, frozen=True, kw_only=True):
    """A message went to another ticket; what is left of people and texts in the one it came from."""

    message_id: str
    from_ticket_id: str
    to_ticket_id: str
    link_version: int = 2
    left_requesters: tuple[str, ...] = ()
    left_participants: tuple[str, ...] = ()
    left_text_keys: tuple[str, ...] = ()


class Proposed(Change, frozen=True, kw_only=True):
    """A relation that a clerk should judge."""

    proposal_id: str
    ticket_id: str
    relation: str
    target: str
    score: float


class Confirmed(Change, frozen=True, kw_only=True):
    """A clerk said yes to a proposal."""

    proposal_id: str
    ticket_id: str | None = None


class Rejected(Change, frozen=True, kw_only=True):
    """A clerk said no to a proposal."""

    proposal_id: str
    ticket_id: str | None = None


class HandedOver(Change, frozen=True, kw_only=True):
    """紧急转接: the ticket's message is on the emergency desk."""

    ticket_id: str
    handover_id: str
    classes: tuple[str, ...]
    level: str


class Acknowledged(Change, frozen=True, kw_only=True):
    """The emergency desk has the hand-over."""

    handover_id: str
    ticket_id: str | None = None


class MinorFlagged(Change, frozen=True, kw_only=True):
    """未成年人保护."""

    ticket_id: str
    role: str
    topic: str


class AcceptanceProposed(Change, frozen=True, kw_only=True):
    """不予受理 is proposed."""

    ticket_id: str
    reason: str


class ErasedMessage(Struct, frozen=True, kw_only=True):
    """A message that the archive empties; `month` (UTC) of its intake names its index: ``2026-11``."""

    message_id: str
    month: str | None = None


class Redacted(Change, frozen=True, kw_only=True):
    """Fields and spans of the text were blacked out; the archive empties these messages."""

    ticket_id: str
    fields: tuple[str, ...]
    spans: tuple[tuple[int, int], ...] = ()
    messages: tuple[ErasedMessage, ...] = ()


class Erased(Change, frozen=True, kw_only=True):
    """The ticket's personal data is gone; the archive empties these messages, and their blobs are deleted."""

    ticket_id: str
    messages: tuple[ErasedMessage, ...] = ()


class Read(Change, frozen=True, kw_only=True):
    """Somebody read the ticket in clear."""

    ticket_id: str
    fields: tuple[str, ...] = ()


class CommandRefused(Change, frozen=True, kw_only=True):
    """A command could not be carried out."""

    command_id: str
    reason: str
    code: str = "refused"


AnyChange = (
    Opened | MessageFiled | Noted | PartJoined | Reopened | StatusSet | KindSet | CategorySet | PlaceSet | DeadlineSet
    | Dispatched | Returned | Supervised | Revisited | EdgeAdded | EdgeRemoved | NeverLink | Moved | Proposed
    | Confirmed | Rejected | HandedOver | Acknowledged | MinorFlagged | AcceptanceProposed | Redacted | Erased
    | Read | CommandRefused
)  # fmt: skip


Changes = tuple[AnyChange, ...]


class TicketVersion(Record, frozen=True, kw_only=True):
    """The version a decision gave a ticket."""

    ticket_id: Annotated[str, about("The ticket")]
    version: Annotated[int, about("Its version after the decision", index="long")]


class InputRef(Record, frozen=True, kw_only=True):
    """The input that a decision answers, and where it stood."""

    message_id: Annotated[str | None, about("The message")] = None
    command_id: Annotated[str | None, about("Or the command")] = None
    topic: Annotated[str, about("Topic of the input")]
    partition: Annotated[int, about("Partition of the input", index="long")]
    offset: Annotated[int, about("Offset of the input", index="long")]


class Event(Record, frozen=True, kw_only=True):
    """One decision, never half there; no personal text."""

    event_id: Annotated[str, about("The input's id; a command's with `command:` before it")]
    jurisdiction: Annotated[str, about("行政区划代码 of the city")]
    tickets: Annotated[tuple[TicketVersion, ...], about("Every ticket it changed", index="object")] = ()
    at: Annotated[Time, about("Log time: the input's ce_recordedtime or the command's `at`", index="date")]
    author: Annotated[str, about("assign, or who gave the command")] = "assign"
    input: Annotated[InputRef, about("What it answers", index="object")]
    features: Annotated[Features | None, about("Features of the message it files", index="none")] = None
    relation: Annotated[str, about("no_ticket, part_of, follow_up, same_person_same_matter, new ...")]
    method: Annotated[str | None, about("Which decider, by which test")] = None
    score: Annotated[float, about("0 to 1", index="double")] = 1.0
    evidence: Annotated[tuple[str, ...], about("Codes and ids, never text", index="none")] = ()
    policy_version: Annotated[str, about("Version of the policy that decided")]
    changes: Annotated[Changes, about("What `apply` folds", index="none")] = ()

    @property
    def key(self) -> str:
        """Return the Kafka key: the first ticket, else the input's id."""
        if self.tickets:
            return self.tickets[0].ticket_id
        return self.input.message_id or self.input.command_id or self.event_id
