"""Phone: webhook of one platform; verified bodies are published unchanged."""

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from connectors import faults
from connectors.base import Accepted, Answer, Request, city_of, utc_now
from connectors.http.signature import check_signature, check_token
from connectors.message_id import digest_of
from connectors.phone.message_id import FirstReports, citizen, identifier
from connectors.phone.settings import PhoneSettings
from connectors.runtime.clock import Moments
from normalizers.phone import JSON, KINDS, READERS, zone_of
from normalizers.phone.draft import Told, sensible
from schemas.errors import MalformedError, RefusedRequest
from schemas.ids import bounded
from schemas.records import RawMessage, raw_message

KEPT = Answer(body=b"kept")
"""2xx: the record is stored, do not repeat it."""

NOT_UNDERSTOOD = Answer(status=422, body=b"kept, but it is no record of a call: see the documentation")
"""4xx: do not repeat it unchanged; the record is stored all the same, and an operator will look at it."""


class Phone:
    """Verifies the requests of one platform; stores nothing: a repeat has the same id."""

    channel: ClassVar[str] = "phone"

    def __init__(self, settings: PhoneSettings, account_id: str, now: Callable[[], datetime] = utc_now) -> None:
        self._settings = settings
        self._account = account_id
        self._jurisdiction = city_of(settings.jurisdiction, account_id)
        self._platform = settings.platform or account_id
        self._now, self._moments = now, Moments(now)
        self._secrets = [secret.get_secret_value() for secret in settings.secrets]
        self._which = JSON, settings.shape
        self._zone = zone_of(settings.timezone)
        self._first_reports = FirstReports()

    def recognise(self, request: Request) -> None:
        """Check a request without its body; raises RefusedRequest (401) for a wrong token."""
        if self._settings.auth == "bearer":
            check_token(self._secrets, request.headers)

    def accept(self, request: Request) -> Accepted:
        """Return the record of a verified request; raises RefusedRequest (401, 405) for others."""
        if request.method != "POST":
            raise RefusedRequest("not a POST: the sender is not the platform", status=405, reason="method")
        now = self._now()
        if self._settings.auth == "bearer":
            check_token(self._secrets, request.headers)
        else:
            window = self._settings.timestamp_window_seconds
            secrets = [secret.encode() for secret in self._secrets]
            check_signature(secrets, request.headers, request.body, self._moments, window)
        return faults.or_plainly(
            self.channel,
            self._account,
            lambda: self._read(request.body, now),
            lambda: Accepted(messages=(self._message(request.body, None, now),), answer=KEPT),
        )

    def _read(self, body: bytes, now: datetime) -> Accepted:
        try:
            told = READERS[self._which](body, self._zone)
        except MalformedError:
            return Accepted(messages=(self._message(body, None, now),), answer=NOT_UNDERSTOOD)
        return Accepted(messages=(self._message(body, told, now),), answer=KEPT)

    def _message(self, body: bytes, told: Told | None, now: datetime) -> RawMessage:
        digest = digest_of(body, self._settings.naming_key)
        started = sensible(told.started_at, now) if told else None
        return raw_message(
            channel=self.channel,
            channel_kind=KINDS[self._which],
            account=self._account,
            jurisdiction=self._jurisdiction,
            identifier=identifier(told, digest) if told else digest,
            value=body,
            content_type=f'{JSON}; shape={self._settings.shape}; platform={self._platform}; zone="{self._zone.key}"',
            time=started or now,
            recorded=now,
            sender=citizen(told) if told else None,
            conversation=f"{self._platform}\n{told.call_id}" if told else None,
            not_before=self._first_reports.of(bounded(told.call_id), now) if told else None,
        )
