"""Interface of senders of receipts: the reply, its outcome, and delivery reports (`hotline run outbox`)."""

from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct, field

from schemas.records import Party, Thread

AT_ONCE_MOST = 64
"""Limit of parallel sends of one account; each may need a thread of the sender."""


class Reply(Struct, frozen=True, kw_only=True):
    """One text to one citizen; personal data, so no part of it goes into logs, metrics or reasons.

    `reply_id` is its permanent id (`<ticket id>:receipt`): a channel that accepts a client id gets this one or a
    digest of it. `text` is complete plain text with line feeds: it holds number, query code (查询码) and token.
    `subject`, `token` and `thread` (the message that it answers) are for channels with separate fields for them.
    `written_to` is the identity (客服账号) to which the citizen wrote, if an account has several. Time windows of
    platforms (48 h) count from `received_at`, when the citizen wrote.
    """

    reply_id: str
    jurisdiction: str
    channel_kind: str
    account: str
    recipient: Party
    text: str
    subject: str | None = None
    token: str | None = None
    written_to: str | None = None
    thread: Thread = field(default_factory=Thread)
    received_at: datetime


class Sent(Struct, frozen=True, kw_only=True):
    """Outcome of a reply.

    `accepted`: the service has it. `refused`: the service refuses it permanently. `unknown`: the service may have it,
    because the connection broke or time ran out after the text was sent; it is never sent again. `code` is the
    service's status or an internal word (`timeout`); `reference` is the service's id of the reply, which a later
    delivery report contains.
    """

    outcome: Literal["accepted", "refused", "unknown"]
    code: str
    reference: str | None = None


class Report(Struct, frozen=True, kw_only=True):
    """Delivery report of a gateway for an accepted text (状态报告, delivery receipt).

    `reference` is the gateway's id of the text, `status` its word (DELIVRD, UNDELIV …), `number` the recipient's
    phone.
    """

    reference: str
    status: str
    number: str


class Sender(Protocol):
    """Sends replies of one account. Never repeats, logs or counts; several sends may run at once.

    Created with `(settings of the account, id of the account)`; connects at the first reply.
    """

    async def send(self, reply: Reply) -> Sent:
        """Send one reply and return the outcome.

        Raises a RetriableError only if the service certainly does *not* have the reply (no connection, login refused
        for now, quota used up: ThrottledError); the same reply is then sent again. Raises a FatalError if an operator
        must act and the service does not have the reply either. In every doubt returns `unknown`.
        """
        ...

    async def close(self) -> None:
        """Release everything. Idempotent, and safe before the first `send`."""
        ...


class SessionSender(Sender, Protocol):
    """Sends replies over the receiving session: the gateway sees one login for both directions."""

    @property
    def is_open(self) -> bool:
        """Return whether the session is open; while it is closed, no reply is begun."""
        ...

    def report_of(self, raw: bytes, content_type: str) -> Report | None:
        """Return the delivery report in a raw record of the account, or None for any other record."""
        ...


@runtime_checkable
class Answering(Protocol):
    """Session connector whose session also carries replies."""

    def sender(self) -> SessionSender:
        """Return the sender of the session; called before `run` if the account sends receipts."""
        ...
