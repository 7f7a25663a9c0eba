"""Answering back: what the sender of one channel is handed, and what it says of it (`hotline run outbox`)."""

from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct, field

from schemas.records import Party, Thread

AT_ONCE_MOST = 64
"""Answers of one account that may be on their way at a time; each may need a thread of the sender's."""


class Reply(Struct, frozen=True, kw_only=True):
    """One text on its way to one citizen; personal data, so nothing of it goes into logs, metrics or reasons.

    `reply_id` names it for ever (`<ticket id>:receipt`): a channel that takes an id of the sender's gets this one or a
    digest of it. `text` is plain text with line feeds, complete: it holds number, query code (查询码) and token.
    `subject`, `token` and `thread` (what it answers) are for channels that have a place of their own for them.
    `written_to` is which of our identities (客服账号) the citizen wrote to, where an account has several.
    Platforms' windows (48 h) count from `received_at`, when the citizen wrote.
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
    """What became of a reply.

    `accepted`: the service has it. `refused`: it said no, and will for ever. `unknown`: it may have it, since the
    connection broke or time ran out after the text went out: nobody sends it again. `code` is the service's status or a
    word of ours (`timeout`); `reference` is the service's own id of it, by which a later report names it.
    """

    outcome: Literal["accepted", "refused", "unknown"]
    code: str
    reference: str | None = None


class Report(Struct, frozen=True, kw_only=True):
    """What a gateway reports of a text that it has taken (状态报告, delivery receipt).

    `reference` is the gateway's id of it, `status` its word (DELIVRD, UNDELIV …), `number` the phone that it went to.
    """

    reference: str
    status: str
    number: str


class Sender(Protocol):
    """Sends replies of one account. Never repeats, logs or counts; several sends may run at once.

    Made by `(settings of the account, id of the account)`; connects when the first reply comes.
    """

    async def send(self, reply: Reply) -> Sent:
        """Send one reply and say what became of it.

        Raises a RetriableError only when the service surely has *not* got it (no connection, login refused for now, a
        full quota: ThrottledError): the same reply then comes again. Raises a FatalError when a person must act, and
        the service has not got it either. In every doubt returns `unknown`.
        """
        ...

    async def close(self) -> None:
        """Release everything. Safe twice, and before the first `send`."""
        ...


class SessionSender(Sender, Protocol):
    """Sends replies over the session that receives: the gateway sees one login for both directions."""

    @property
    def is_open(self) -> bool:
        """Say whether there is a session to send over; while there is none, no reply is begun."""
        ...

    def report_of(self, raw: bytes, content_type: str) -> Report | None:
        """Return what a raw record of the account reports of a reply; None for anything else."""
        ...


@runtime_checkable
class Answering(Protocol):
    """A session connector whose session carries replies as well."""

    def sender(self) -> SessionSender:
        """Return what sends over the session; called before `run`, where the account answers."""
        ...
