"""SMS through a gateway's webhook: authenticates the caller, and publishes each message with unchanged bytes."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar

from connectors import faults
from connectors.base import Accepted, Answer, Request, city_of, utc_now
from connectors.sms_http import authentication, callbacks
from connectors.sms_http.callbacks import Callback, Names
from connectors.sms_http.settings import Provider, SmsHttpSettings
from normalizers.sms import web
from schemas.errors import RefusedRequest
from schemas.records import RawMessage, raw_message

CHANNEL_KIND = "sms_http"

ANSWERS: Mapping[Provider, Answer] = MappingProxyType(
    {
        "twilio": Answer(body=b"<Response/>", content_type="text/xml; charset=utf-8"),
        "aliyun": Answer(body='{"code":0,"msg":"接收成功"}'.encode(), content_type="application/json"),
        "tencent": Answer(body=b'{"result":0,"errmsg":"OK"}', content_type="application/json"),
        "kannel": Answer(),
    }
)
"""Each gateway's success answer; after any other answer, or a 503, the gateway sends the message again."""


class SmsHttp:
    """Verifies the callbacks of one account at a gateway; stores nothing."""

    channel: ClassVar[str] = "sms"

    def __init__(self, settings: SmsHttpSettings, account_id: str, now: Callable[[], datetime] = utc_now) -> None:
        self._settings = settings
        self._account = account_id
        self._jurisdiction = city_of(settings.jurisdiction, account_id)
        self._now = now

    def recognise(self, request: Request) -> None:
        """Check a callback without its body; raises RefusedRequest for other callers."""
        authentication.check_head(request, self._settings)

    def accept(self, request: Request) -> Accepted:
        """Return the messages of a callback; raises RefusedRequest for other callers."""
        authentication.check(request, self._settings)
        if request.method != "POST":
            raise RefusedRequest("not a POST: set the callback to POST at the gateway", status=405, reason="method")
        provider, names = self._settings.provider, Names(self._now(), self._settings.naming_key)
        found = faults.or_plainly(
            self.channel,
            self._account,
            lambda: callbacks.read(request, provider, names),
            lambda: (callbacks.unread(request, provider, names),),
        )
        wire = hashlib.sha256(request.body).hexdigest()
        messages = tuple(self._message(one, wire if one.value != request.body else None) for one in found)
        return Accepted(messages=messages, answer=ANSWERS[self._settings.provider])

    def _message(self, one: Callback, wire_sha256: str | None) -> RawMessage:
        now = self._now()
        return raw_message(
            channel=self.channel,
            channel_kind=CHANNEL_KIND,
            account=self._account,
            jurisdiction=self._jurisdiction,
            identifier=one.identifier,
            value=one.value,
            content_type=one.content_type,
            time=web.sensible(one.time, now) or now,
            recorded=now,
            sender=one.sender,
            wire_sha256=wire_sha256,
        )
