"""Intents to answer, as assign writes them, and the states that the outbox writes behind them."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from connectors.replies.base import Reply
from connectors.replies.kafka import envelope_of
from schemas.codec import Outbound, encode
from schemas.envelope import Envelope, type_of
from schemas.records import Outbox, OutboxState, Party
from schemas.topics import OUTBOX

NOW = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
CITY = "210100"


def intent(
    number: int = 1,
    *,
    recipient: str | None = None,
    account: str = "mayor",
    urgent: bool = False,
    received_at: datetime = NOW,
) -> Outbox:
    ticket_id = f"{CITY}-{'a' * 15}{_letters(number)}"
    return Outbox(
        outbox_id=f"{ticket_id}:receipt",
        kind="receipt",
        ticket_id=ticket_id,
        ticket_no=f"{CITY}-20261125-{number:06d}-1",
        jurisdiction=CITY,
        message_id=f"m{number}",
        channel="mailbox",
        channel_kind="imap",
        account=account,
        recipient=Party(kind="email", value=recipient or f"citizen{number}@example.cn"),
        urgent=urgent,
        received_at=received_at,
        at=received_at,
    )


def reply(outbox: Outbox) -> Reply:
    return Reply(
        reply_id=outbox.outbox_id,
        jurisdiction=outbox.jurisdiction,
        channel_kind=outbox.channel_kind,
        account=outbox.account,
        recipient=outbox.recipient,
        text="…",
        received_at=outbox.received_at,
    )


def state_of(outbox: Outbox, state: str, *, seconds: float = 0, attempts: int = 1) -> OutboxState:
    return OutboxState(
        outbox_id=outbox.outbox_id,
        ticket_id=outbox.ticket_id,
        ticket_no=outbox.ticket_no,
        jurisdiction=outbox.jurisdiction,
        channel=outbox.channel,
        account=outbox.account,
        state=state,
        attempts=attempts,
        at=NOW + timedelta(seconds=seconds),
    )


def outbound(outbox: Outbox) -> Outbound:
    return _by_assign(outbox, "outbox", outbox.outbox_id)


def written(told: OutboxState) -> Outbound:
    """Return what the outbox itself writes of a state."""
    return Outbound(OUTBOX, told.ticket_id.encode(), encode(told), envelope_of(told).headers(), CITY)


def withdrawn(outbox: Outbox) -> Outbound:
    """Return what assign writes when the ticket is erased."""
    told = replace(state_of(outbox, "withheld", attempts=0), code="erased")
    return _by_assign(told, "outbox_state", f"{outbox.outbox_id}:erased")


def _by_assign(told: Outbox | OutboxState, record: str, identifier: str) -> Outbound:
    envelope = Envelope(
        id=identifier,
        source=f"/hotline/assign/{CITY}",
        type=type_of(record),
        time=told.at,
        recordedtime=told.at,
        jurisdiction=CITY,
    )
    return Outbound(OUTBOX, told.ticket_id.encode(), encode(told), envelope.headers(), CITY)


def _letters(number: int) -> str:
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    return "".join(alphabet[number // 32**place % 32] for place in range(4, -1, -1))
