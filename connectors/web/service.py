"""Shared service of Open311 and the form: stores submissions safely, and finds their tickets."""

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Struct

from connectors import metrics
from connectors.base import city_of, utc_now
from connectors.http.quota import Room
from connectors.http.server import Keep
from connectors.publish.durable_publisher import Outcome
from connectors.web.archive import Archive, within
from connectors.web.receipts import Receipts
from connectors.web.settings import WebSettings
from connectors.web.submission import CHANNEL, Arrivals, Submission, elsewhere, raw_of
from normalizers.base import Policy
from normalizers.enrich import emergency
from normalizers.parse import ticket_tokens
from normalizers.text.fold import fold
from normalizers.web.fields import LEFT_OUT
from normalizers.web.services import services
from schemas import ids
from schemas.errors import PipelineError
from schemas.records import Emergency, Ticket

EMERGENCY_NOTICE = (
    "遇紧急情况请立即拨打110（报警）、119（火警）、120（急救）、122（交通事故）。 "
    "In an emergency dial 110 (police), 119 (fire), 120 (ambulance) or 122 (traffic accident) yourself, now."
)
"""Does not promise that help was called."""


class Tools(Struct, frozen=True, kw_only=True):
    """Dependencies that the program passes to a city's web connector."""

    archive: Archive
    policy: Policy
    query_key: bytes
    now: Callable[[], datetime] = utc_now


class Kept(Struct, frozen=True, kw_only=True):
    """A safe submission: its ids for the sender, and where it is stored."""

    message_id: str
    receipt: str
    request_id: str
    outcome: Outcome

    @property
    def published(self) -> bool:
        """Return whether Kafka holds it; otherwise the journal will publish it."""
        return self.outcome == "published"


class Desk:
    """Service of one city."""

    def __init__(self, settings: WebSettings, account: str, tools: Tools, keep: Keep) -> None:
        self.settings = settings
        self.account = account
        self.city = city_of(settings.jurisdiction, account)
        self.archive = tools.archive
        self.services = services(tools.policy.rules)
        self.receipts = Receipts(tools.query_key, self.city, account)
        self.room = Room(settings.held_max_bytes, settings.held_per_address_bytes)
        self.now = tools.now
        self._tools = tools
        self._keep = keep
        self._arrivals = Arrivals()
        metrics.FAULTS_OF_OURS.labels(CHANNEL, account)  # an alarm on the growth of this metric needs the initial 0
        metrics.PUSH_REQUESTS.labels(CHANNEL, "unsafe")

    async def keep(
        self, one: Submission, *, kind: str, key: str, options: Mapping[str, str], folded_into: str | None = None
    ) -> Kept:
        """Store a submission. Raises UnreachableError if neither Kafka nor the journal holds it; the caller counts it.

        If it is `folded_into` another message, its handover raises no alert by itself.
        """
        line = {"hotline_code": self.settings.hotline_code} if self.settings.hotline_code else {}
        left_out = {LEFT_OUT: "too_large"} if one.left_out else {}
        now = self.now()
        raw = await elsewhere(
            len(one.body),
            lambda: raw_of(
                one,
                account=self.account,
                city=self.city,
                kind=kind,
                identifier=self.receipts.name(one.identifier(key, self._arrivals, now)),
                now=now,
                options={**line, **left_out, **options},
                folded_into=folded_into,
            ),
        )
        outcome = await self._keep([raw])
        metrics.PUSH_REQUESTS.labels(CHANNEL, outcome).inc()
        message = raw.message_id
        return Kept(
            message_id=message,
            receipt=self.receipts.receipt(message),
            request_id=self.request_id(message),
            outcome=outcome,
        )

    def request_id(self, message: str) -> str:
        """Return the service_request_id of a message: the id that its ticket has, or would have."""
        return ids.ticket_id(self.city, message)

    async def find(self, name: str) -> Ticket | None:
        """Return this city's ticket of an id or an official number, or the ticket of the message in the id."""
        city, _, message = name.partition("-")
        if city != self.city:
            return None
        ticket = await self.archive.ticket(name)
        if ticket is None and len(message) == _MESSAGE_CHARACTERS and message.isalnum():
            ticket = await self.archive.filed(message)
        return ticket if ticket is not None and ticket.jurisdiction == self.city else None

    async def filed(self, message: str) -> Ticket | None:
        """Return the ticket of a message."""
        return await self.archive.filed(message)

    def code_of(self, ticket_id: str) -> str:
        """Return the 查询码 of a ticket."""
        return ids.query_code(self._tools.query_key, ticket_id)

    def may_ask(self, ticket_id: str, code: str) -> bool:
        """Return whether the citizen's 查询码 is right."""
        digits = "".join(filter(str.isdigit, code))
        return hmac.compare_digest(self.code_of(ticket_id).encode(), digits.encode())

    async def answering(self, name: str, code: str) -> dict[str, str]:
        """Return the signed name of the ticket for a message about it; empty without the right 查询码."""
        ticket_id = await self._ticket_id(name) if ids.valid_ticket_no(name) else name
        if not ticket_id.startswith(f"{self.city}-") or not self.may_ask(ticket_id, code):
            return {}
        return {"ticket": ticket_tokens.make(ticket_id, self._tools.policy)}

    async def _ticket_id(self, number: str) -> str:
        """Return the ticket of a number, or "" if the archive does not answer: the text is accepted all the same."""
        try:
            async with within(self.settings.archive_timeout_seconds):
                ticket = await self.find(number)
        except PipelineError:
            return ""
        return ticket.ticket_id if ticket else ""

    def is_urgent(self, text: str) -> bool:
        """Return whether a text reports a current emergency, which is accepted even with invalid fields."""
        found = self._screened(text)
        return found is not None and found.level != "mentioned"

    def notice(self, text: str) -> str | None:
        """Return the notice for a text that mentions an emergency."""
        return EMERGENCY_NOTICE if self._screened(text) is not None else None

    def _screened(self, text: str) -> Emergency | None:
        return emergency.screen(text, fold(text), self._tools.policy.rules)


_MESSAGE_CHARACTERS = 20
"""Length of a message id in its ticket's id."""
