"""Which citizen gets a receipt (回执), decided with the ticket: one a ticket, and none where it could harm or loop."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from types import MappingProxyType

from msgspec import Struct

from normalizers.base import UNANSWERABLE
from normalizers.enrich.confidentiality import ANONYMOUS, WITHHELD
from schemas import topics
from schemas.records import Event, Message, Outbox, OutboxState, Party, Thread, Ticket, event

RECEIPT, ERASED, CONFIDENTIAL = "receipt", "erased", "confidential"

MAX_REFERENCES = 20
"""Of a mail's thread: the first and the newest are what mail programs look at (RFC 5322 3.6.4)."""

_ASKS = f"{ANONYMOUS}.{WITHHELD}"
"""The code of a message whose citizen wants not to be named."""

_WAYS: Mapping[str, str] = MappingProxyType({"mailbox": "email", "sms": "phone", "wechat": "openid", "weibo": "uid"})
"""How a channel names the one who can be answered on it; the others show their receipt at once, or cannot."""

_PUBLIC = frozenset({"weibo_comment", "weibo_mention"})
"""What everybody reads is not answered by a machine: number and code are for one person."""

_CUSTOMER_SERVICE = "wecom_kf"
"""微信客服: its messages name the 客服账号 that they came to, by which the citizen is answered."""

_NOBODY = re.compile(
    r"(?:mailer|mail)[-_.]?daemon|postmaster|double-bounce|.*bounces?\b.*|(?:.*[-_.])?(?:no|not|do-?not|donot)[-_.]?reply"
    r"(?:[-_.].*)?|owner-.*|.*-(?:owner|request)|listserv|majordomo|root|daemon|notifications?",
    re.IGNORECASE,
)
"""The part before the @ of addresses behind which no person reads (RFC 3834 section 2, RFC 2142)."""

_MOBILE = re.compile(r"(?:(?:\+|00)?86)?1[3-9]\d{9}")
_ABROAD = re.compile(r"(?:\+|00)(?!86)[1-9]\d{7,14}")
"""Service numbers (106…, 10086, 95588) are machines, landlines take no text messages."""


class AnswerPolicy(Struct, frozen=True, kw_only=True):
    """Which accounts answer. Mails from `own_addresses` (in lower case) are not answered: that would never end.

    A message that was sent more than `max_age` before its intake gets no receipt: its writer no longer waits for one.
    """

    accounts: frozenset[str] = frozenset()
    own_addresses: frozenset[str] = frozenset()
    max_age: timedelta = timedelta(hours=24)


def intent(decision: Event, message: Message, ticket: Ticket, policy: AnswerPolicy) -> Outbox | None:
    """Return the receipt that a decision about a message leads to, None for most. Pure; `ticket` as it stands after."""
    recipient = message.sender
    if message.account not in policy.accounts or recipient is None or not _opens(decision, message, ticket):
        return None
    if not all(allows(message, ticket, policy) for allows in _RULES):
        return None
    return Outbox(
        outbox_id=f"{ticket.ticket_id}:{RECEIPT}",
        kind=RECEIPT,
        ticket_id=ticket.ticket_id,
        ticket_no=ticket.ticket_no,
        jurisdiction=ticket.jurisdiction,
        message_id=message.message_id,
        channel=message.channel,
        channel_kind=message.channel_kind,
        account=message.account,
        recipient=recipient,
        written_to=message.thread.reply_to if message.channel_kind == _CUSTOMER_SERVICE else None,
        thread=_thread(message.thread),
        urgent=message.emergency is not None,
        received_at=message.received_at,
        at=decision.at,
    )


def withdrawal(ticket: Ticket, decision: Event, policy: AnswerPolicy) -> OutboxState | None:
    """Return what tells the outbox to send nothing about a ticket; None where it may be sent, or nobody answers.

    It is erased, or its citizen asked not to be named, or reported, when the receipt was intended already. It stands in
    the log of the intents, behind the ticket's own if there is one.
    """
    if not policy.accounts or not ticket.ticket_no:
        return None
    code = ERASED if ticket.erased else CONFIDENTIAL if _is_hidden_now(ticket, decision) else None
    if code is None:
        return None
    return OutboxState(
        outbox_id=f"{ticket.ticket_id}:{RECEIPT}",
        ticket_id=ticket.ticket_id,
        ticket_no=ticket.ticket_no,
        jurisdiction=ticket.jurisdiction,
        channel=ticket.channel,
        account=ticket.channel_account,
        state="withheld",
        code=code,
        at=decision.at,
    )


def _opens(decision: Event, message: Message, ticket: Ticket) -> bool:
    """Return True if the decision opens the ticket with a whole message, or completes the one that did.

    What a long SMS is about, and whether it may be answered, is known when its last part is there.
    """
    if message.part is not None:
        joined = (one for one in decision.changes if isinstance(one, event.PartJoined))
        return any(one.complete and one.ticket_id == ticket.ticket_id for one in joined)
    opened = (one for one in decision.changes if isinstance(one, event.Opened))
    return any(one.ticket_id == ticket.ticket_id and one.message_id == message.message_id for one in opened)


def _is_from_a_person(message: Message, ticket: Ticket, policy: AnswerPolicy) -> bool:
    return message.message_class == "person" and UNANSWERABLE not in message.extra


def _is_news(message: Message, ticket: Ticket, policy: AnswerPolicy) -> bool:
    imported = message.channel == "record" or message.raw.topic == topics.BACKFILL
    stale = message.emergency is not None and message.emergency.stale
    return not imported and not stale and message.ingested_at - message.received_at <= policy.max_age


def _exposes_nobody(message: Message, ticket: Ticket, policy: AnswerPolicy) -> bool:
    """A receipt on a shared phone or a company's mail tells who reported, or that a child asked for help."""
    return not ticket.erased and not _hides(ticket)


def _hides(ticket: Ticket) -> bool:
    asked = ticket.anonymous == "withheld_on_request" or "requested" in ticket.confidentiality_reasons
    return asked or ticket.confidentiality == "restricted"


def _is_hidden_now(ticket: Ticket, decision: Event) -> bool:
    """Return True if a decision gave a ticket that was there a level, or a reason for it, that forbids an answer.

    Or filed a message in it that asks for that: where a clerk set the level, it stays.
    """
    kinds = {type(one) for one in decision.changes if getattr(one, "ticket_id", None) == ticket.ticket_id}
    is_by_clerk = "clerk" in ticket.confidentiality_reasons and event.MessageFiled in kinds
    asks = is_by_clerk and decision.features is not None and _ASKS in decision.features.codes
    return (asks or event.ConfidentialitySet in kinds) and event.Opened not in kinds and _hides(ticket)


def _can_be_reached(message: Message, ticket: Ticket, policy: AnswerPolicy) -> bool:
    party = message.sender
    way = _WAYS.get(message.channel)
    if party is None or party.kind != way or message.channel_kind in _PUBLIC:
        return False
    return _REACHES[party.kind](party, policy) if party.kind in _REACHES else bool(party.value)


def _is_a_persons_mail(party: Party, policy: AnswerPolicy) -> bool:
    local, at, domain = party.value.lower().rpartition("@")
    untagged = f"{local.partition('+')[0]}@{domain}"
    ours = untagged in policy.own_addresses or party.value.lower() in policy.own_addresses
    return bool(at and local and domain) and not ours and _NOBODY.fullmatch(local) is None


def _is_a_persons_phone(party: Party, policy: AnswerPolicy) -> bool:
    number = re.sub(r"[\s()-]", "", party.value)
    return (_MOBILE.fullmatch(number) or _ABROAD.fullmatch(number)) is not None


def _thread(thread: Thread) -> Thread:
    """Keep what the headers of an answer need."""
    references = thread.references[:1] + thread.references[1:][1 - MAX_REFERENCES :]
    return Thread(message_id_header=thread.message_id_header, references=references)


Rule = Callable[[Message, Ticket, AnswerPolicy], bool]

_RULES: Iterable[Rule] = (_is_from_a_person, _is_news, _exposes_nobody, _can_be_reached)
_REACHES: Mapping[str, Callable[[Party, AnswerPolicy], bool]] = MappingProxyType(
    {"email": _is_a_persons_mail, "phone": _is_a_persons_phone}
)
