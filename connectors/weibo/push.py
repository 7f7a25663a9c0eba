"""Pushes of the fans' service (粉丝服务平台 消息推送服务): verified callbacks of one account, with unchanged bytes."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import ClassVar

from connectors import faults
from connectors.base import Accepted, Answer, Request, city_of, utc_now
from connectors.http.signature import UsedSignatures, check_callback, check_callback_time, needed, parameters
from connectors.runtime.clock import Moments
from connectors.weibo import message_id
from connectors.weibo.settings import WeiboSettings
from normalizers.weibo.json import is_xml
from schemas.errors import RefusedRequest
from schemas.records import RawMessage, raw_message

_NOTHING_TO_SAY = Answer()
"""An empty answer: the platform shows the citizen nothing and does not send the message again."""


class Weibo:
    """Verifies the callbacks of one account; the platform signs as WeChat does, with the App Secret as token.

    The signature does not cover the body, so a repeated signature with another body is a forgery.
    """

    channel: ClassVar[str] = "weibo"

    def __init__(self, settings: WeiboSettings, account_id: str, now: Callable[[], datetime] = utc_now) -> None:
        self._account = account_id
        self._jurisdiction = city_of(settings.jurisdiction, account_id)
        self._window = settings.timestamp_window_seconds
        self._secrets = [secret.get_secret_value() for secret in settings.app_secrets]
        self._key = settings.naming_key
        self._now, self._moments = now, Moments(now)
        self._signatures = UsedSignatures()

    def recognise(self, request: Request) -> None:
        """Verify a callback without its body; raises RefusedRequest for a wrong signature."""
        self._check_sender(parameters(request.query))

    def accept(self, request: Request) -> Accepted:
        """Return the message of a callback, or the echo that verifies this address.

        Raises RefusedRequest for a wrong signature.
        """
        given = parameters(request.query)
        signature = self._check_sender(given)
        if request.method == "GET":
            self._signatures.claim(signature)
            return Accepted(answer=Answer(body=needed(given, "echostr")[0].encode("utf-8", "replace")))
        if request.method != "POST":
            raise RefusedRequest("neither GET nor POST: the sender is not the platform", status=405, reason="method")
        self._signatures.check(signature, request.body)
        return Accepted(messages=(self._message(request.body),) if request.body else (), answer=_NOTHING_TO_SAY)

    def _check_sender(self, given: Mapping[str, str]) -> str:
        """Verify signature and time, and return the signature."""
        signature, timestamp, nonce = needed(given, "signature", "timestamp", "nonce")
        check_callback(self._secrets, signature, timestamp, nonce)
        check_callback_time(timestamp, self._moments, self._window)
        return signature

    def _message(self, body: bytes) -> RawMessage:
        now, key = self._now(), self._key
        named = faults.or_plainly(
            self.channel,
            self._account,
            lambda: message_id.pushed(body, now, key),
            lambda: message_id.unread(body, key=key),
        )
        return raw_message(
            channel=self.channel,
            channel_kind=named.kind,
            account=self._account,
            jurisdiction=self._jurisdiction,
            identifier=named.identifier,
            value=body,
            content_type="text/xml" if is_xml(body) else "application/json",
            time=named.time or now,
            recorded=now,
            sender=named.sender,
            not_before=now,  # a push is sent right after writing; list items may be old
        )
