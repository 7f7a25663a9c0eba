"""Mapped webhook: authenticates a sender, and publishes each message of its requests with the profile's name."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from connectors import faults
from connectors.base import Accepted, Answer, Request, city_of, utc_now
from connectors.mapped_webhook.authentication import Authentication, body_of
from connectors.mapped_webhook.settings import MappedWebhookSettings, PhoneWebhookSettings
from connectors.message_id import day_of, digest_of
from connectors.phone.message_id import FirstReports, citizen, identifier
from connectors.runtime.clock import Moments
from normalizers import mapped_webhook
from normalizers.mapped_webhook.profile import CompiledProfile, Mapped, flat, profiles
from normalizers.parse.times import written
from normalizers.phone import draft as calls
from normalizers.phone import zone_of
from normalizers.rules import Rules
from normalizers.sms import web
from schemas.errors import MalformedError, MisconfiguredError, RefusedRequest
from schemas.ids import LONGEST_ID, bounded
from schemas.records import RawMessage, raw_message

_DIGEST = 16
"""Characters of the digest behind a sender's own id, which may be of the request and not of the message."""


class MappedWebhook:
    """Verifies the requests of one sender; stores nothing: a repeat has the same id."""

    channel: ClassVar[str]

    def __init__(self, settings: MappedWebhookSettings, account_id: str, now: Callable[[], datetime] = utc_now) -> None:
        self._settings = settings
        self._account = account_id
        self._jurisdiction = city_of(settings.jurisdiction, account_id)
        self._now = now
        self._profile = _profile(settings, self.channel)
        self._authentication = Authentication(settings, self._profile.profile, Moments(now))
        answer = self._profile.profile.answer
        self._answer = Answer(
            status=answer.status, body=answer.body.encode(), content_type=answer.content_type
        )  # fmt: skip
        self._platform = (isinstance(settings, PhoneWebhookSettings) and settings.platform) or account_id
        self._first_reports = FirstReports()

    def recognise(self, request: Request) -> None:
        """Check a request without its body; raises RefusedRequest for a stranger's."""
        self._authentication.check_head(request)

    def accept(self, request: Request) -> Accepted:
        """Return the messages of a request; raises RefusedRequest (401, 403, 404, 405) for a stranger's."""
        self._authentication.check(request)
        profile = self._profile.profile
        if request.method != profile.method:
            raise RefusedRequest(f"not a {profile.method}, as the profile demands", status=405, reason="method")
        body, given = body_of(request, profile), request.headers.get("content-type", "")
        content_type = self._content_type(given)
        messages = faults.or_plainly(
            self.channel,
            self._account,
            lambda: self._messages(body, content_type),
            lambda: (self._unread(body, content_type),),
        )
        return Accepted(messages=messages, answer=self._answer)

    def _messages(self, body: bytes, content_type: str) -> tuple[RawMessage, ...]:
        try:
            found = self._profile.read(body, content_type)
        except MalformedError:  # stored, and a dead letter with this reason later
            return (self._unread(body, content_type),)
        return tuple(self._message(one, body, content_type) for one in found)

    def _message(self, one: Mapped, body: bytes, content_type: str) -> RawMessage:
        value = body if one.value is None else one.value
        kind = content_type if one.value is None else self._content_type("", is_part=True)
        wire = hashlib.sha256(body).hexdigest() if one.value is not None else None
        if self.channel == "phone":
            return self._call(one, value, kind, wire)
        now = self._now()
        at = web.sensible(written(one.text("time"), zone_of(self._profile.profile.timezone)), now)
        named = one.text("identifier")
        # What repeats a message may differ in a signature or a time of sending: only its mapped fields make the id.
        digest = self._digest(one, is_dated=bool(named or at))
        return self._raw(
            identifier=f"{bounded(named)}:{digest[:_DIGEST]}" if named else digest,
            value=value,
            content_type=kind,
            time=at or now,
            now=now,
            sender=(one.text("sender") or one.text("phone")).strip()[:LONGEST_ID] or None,
            wire=wire,
        )

    def _call(self, one: Mapped, value: bytes, content_type: str, wire: str | None) -> RawMessage:
        now = self._now()
        try:
            told = mapped_webhook.call(one, self._profile)
        except MalformedError:
            return self._unread(value, content_type)
        return self._raw(
            identifier=identifier(told, self._digest(one, is_dated=True)),
            value=value,
            content_type=content_type,
            time=calls.sensible(told.started_at, now) or now,
            now=now,
            sender=citizen(told),
            wire=wire,
            conversation=f"{self._platform}\n{told.call_id}",
            not_before=self._first_reports.of(bounded(told.call_id), now),
        )

    def _content_type(self, given: str, *, is_part: bool = False) -> str:
        platform = f"; platform={self._platform}" if self.channel == "phone" else ""
        return mapped_webhook.content_type_of(self._profile, given, is_part=is_part) + platform

    def _digest(self, one: Mapped, *, is_dated: bool) -> str:
        said = "\n".join(f"{name}={flat(value)}" for name, value in sorted(one.fields.items()))
        day = "" if is_dated else f"{day_of(self._now())}\n"
        return digest_of(f"{day}{said}".encode("utf-8", "surrogatepass"), self._settings.naming_key)

    def _unread(self, value: bytes, content_type: str) -> RawMessage:
        """Return a request, or a message of it, that the profile cannot read: its bytes are its id."""
        now = self._now()
        digest = digest_of(value, self._settings.naming_key)
        return self._raw(identifier=digest, value=value, content_type=content_type, time=now, now=now)

    def _raw(
        self,
        *,
        identifier: str,
        value: bytes,
        content_type: str,
        time: datetime,
        now: datetime,
        sender: str | None = None,
        wire: str | None = None,
        conversation: str | None = None,
        not_before: datetime | None = None,
    ) -> RawMessage:
        return raw_message(
            channel=self.channel,
            channel_kind=mapped_webhook.CHANNEL_KINDS[self.channel],
            account=self._account,
            jurisdiction=self._jurisdiction,
            identifier=identifier,
            value=value,
            content_type=content_type,
            time=time,
            recorded=now,
            sender=sender,
            wire_sha256=wire,
            conversation=conversation,
            not_before=not_before,
        )


class SmsWebhook(MappedWebhook):
    """SMS of a gateway."""

    channel = "sms"


class PhoneWebhook(MappedWebhook):
    """Records of calls of a call platform."""

    channel = "phone"


class AppWebhook(MappedWebhook):
    """Submissions of an app or a mini programme."""

    channel = "web"


def _profile(settings: MappedWebhookSettings, channel: str) -> CompiledProfile:
    known = profiles(Rules.load(settings.rules_folder))
    found = known.get(settings.profile)
    if found is None:
        raise MisconfiguredError(
            f"There is no profile {settings.profile}: put webhooks/{settings.profile}.toml into the rules folder, or "
            f"choose one of {', '.join(sorted(known))}."
        )
    if found.profile.channel != channel:
        raise MisconfiguredError(
            f"The profile {settings.profile} is of the channel {found.profile.channel}, not {channel}: move the "
            "account to that section."
        )
    return found
