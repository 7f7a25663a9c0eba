"""企业微信 (WeCom): callbacks of one application or of 微信客服, always encrypted for the corpid and fully signed."""

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from connectors.base import Accepted, Answer, Request, city_of, utc_now
from connectors.http import callback
from connectors.http.signature import check_callback, check_callback_time, needed, parameters
from connectors.runtime.clock import Moments
from connectors.wechat import cipher
from connectors.wechat.connector import SUCCESS, check_method, message_of, named_or_plain
from connectors.wechat.settings import WeComSettings, aes_key

CHANNEL_KIND = "wecom"


class WeCom:
    """Verifies the callbacks of one application; the signature covers the ciphertext, so a replay is only a repeat."""

    channel: ClassVar[str] = "wechat"

    def __init__(self, settings: WeComSettings, account_id: str, now: Callable[[], datetime] = utc_now) -> None:
        self._settings = settings
        self._account = account_id
        self._jurisdiction = city_of(settings.jurisdiction, account_id)
        self._now, self._moments = now, Moments(now)
        self._tokens = [token.get_secret_value() for token in settings.tokens]
        self._keys = [aes_key(key) for key in settings.aes_keys]

    def accept(self, request: Request) -> Accepted:
        """Return the message or event of a callback, or the decrypted echo that verifies this address."""
        given = parameters(request.query)
        signature, timestamp, nonce = needed(given, "msg_signature", "timestamp", "nonce")
        check_callback_time(timestamp, self._moments, self._settings.timestamp_window_seconds)
        if request.method == "GET":
            (echo,) = needed(given, "echostr")
            return Accepted(answer=Answer(body=self._opened(echo, signature, timestamp, nonce)))
        check_method(request)
        body = self._opened(callback.encrypted(request.body), signature, timestamp, nonce)
        now = self._now()
        named = named_or_plain(body, self._account, now)
        message = message_of(body, request.body, named, self._account, self._jurisdiction, CHANNEL_KIND, now)
        return Accepted(messages=(message,), answer=SUCCESS)

    def _opened(self, encrypted: str, signature: str, timestamp: str, nonce: str) -> bytes:
        check_callback(self._tokens, signature, timestamp, nonce, encrypted)
        return cipher.decrypt(encrypted, self._keys, self._settings.corpid).message
