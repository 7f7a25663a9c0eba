"""WeChat official account or mini programme: verified callbacks of one account, in any of the three modes."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import ClassVar, NamedTuple

from connectors import faults
from connectors.base import Accepted, Answer, Request, city_of, utc_now
from connectors.http import callback
from connectors.http.signature import UsedSignatures, check_callback, check_callback_time, needed, parameters
from connectors.runtime.clock import Moments
from connectors.wechat import cipher, reply
from connectors.wechat.settings import CHANNEL_KIND, CONTENT_TYPE, ENCRYPTED, WeChatSettings, aes_key
from normalizers.wechat.fields import is_json
from schemas.errors import RefusedRequest
from schemas.records import RawMessage, raw_message

MINI_PROGRAMME = "wechat_mini"
JSON = "application/json"
SUCCESS = Answer(body=b"success")
"""After any other answer the platform sends the message again, or shows the citizen an error."""


class Verified(NamedTuple):
    """The decrypted bytes of a callback, and the key material for an encrypted reply."""

    body: bytes
    lock: reply.Lock | None = None


class _Sender(NamedTuple):
    """Signature of the platform, with the values that it covers."""

    signature: str
    timestamp: str
    nonce: str


class WeChat:
    """Verifies the callbacks of one account; stores only the signatures of the last minutes."""

    channel: ClassVar[str] = "wechat"

    def __init__(self, settings: WeChatSettings, account_id: str, now: Callable[[], datetime] = utc_now) -> None:
        self._settings = settings
        self._account = account_id
        self._jurisdiction = city_of(settings.jurisdiction, account_id)
        self._now, self._moments = now, Moments(now)
        self._tokens = [token.get_secret_value() for token in settings.tokens]
        self._keys = [aes_key(key) for key in settings.aes_keys]
        self._signatures = UsedSignatures()

    def recognise(self, request: Request) -> None:
        """Verify a callback without its body; raises RefusedRequest for a wrong signature."""
        if request.method == "POST":
            self._check_sender(parameters(request.query))

    def accept(self, request: Request) -> Accepted:
        """Return the message of a callback, or the echo that verifies this address.

        Raises RefusedRequest for a wrong signature, or a mode that the settings exclude.
        """
        given = parameters(request.query)
        if request.method == "GET":
            return Accepted(answer=Answer(body=self._echo(given)))
        check_method(request)
        verified = self._verified(given, request.body)
        named = named_or_plain(verified.body, self._account, self._now())
        return Accepted(
            messages=(self._message(verified.body, request.body, named),),
            answer=faults.or_plainly(
                self.channel, self._account, lambda: self._answer(named, verified), lambda: SUCCESS
            ),
        )

    def _echo(self, given: Mapping[str, str]) -> bytes:
        """Return the echostr; the platform signs it like a message if it encrypts it."""
        if "msg_signature" not in given:
            self._signatures.claim(self._check_sender(given).signature)
            return needed(given, "echostr")[0].encode("utf-8", "replace")
        signature, timestamp, nonce, echo = needed(given, "msg_signature", "timestamp", "nonce", "echostr")
        self._check_fresh(timestamp)
        if "signature" in given:
            self._signatures.claim(self._check_sender(given).signature)
        check_callback(self._tokens, signature, timestamp, nonce, echo)
        self._signatures.claim(signature)
        return cipher.decrypt(echo, self._keys, self._settings.appid).message

    def _verified(self, given: Mapping[str, str], body: bytes) -> Verified:
        sender = self._check_sender(given)
        if _is_encrypted(given):
            decrypted = self._decrypted(given, sender, body)
            self._signatures.claim(sender.signature)
            self._signatures.claim(given["msg_signature"])
            return decrypted
        self._check_mode("plain" in self._settings.modes)
        self._signatures.check(sender.signature, body)
        return Verified(body)

    def _check_sender(self, given: Mapping[str, str]) -> _Sender:
        sender = _Sender(*needed(given, "signature", "timestamp", "nonce"))
        check_callback(self._tokens, *sender)
        self._check_fresh(sender.timestamp)
        return sender

    def _check_fresh(self, timestamp: str) -> None:
        check_callback_time(timestamp, self._moments, self._settings.timestamp_window_seconds)

    def _check_mode(self, accepted: bool) -> None:
        if not accepted:
            raise RefusedRequest("a mode that is not in `modes` of this account", reason="mode")

    def _decrypted(self, given: Mapping[str, str], sender: _Sender, body: bytes) -> Verified:
        """Decrypt the message; in compatible mode the plain copy beside it is not signed and therefore ignored."""
        self._check_mode(bool(self._settings.modes & ENCRYPTED))
        encrypted = callback.encrypted(body)
        (signature,) = needed(given, "msg_signature")
        token = check_callback(self._tokens, signature, sender.timestamp, sender.nonce, encrypted)
        opened = cipher.decrypt(encrypted, self._keys, self._settings.appid)
        return Verified(opened.message, reply.Lock(token, opened.key, self._settings.appid))

    def _answer(self, named: callback.Callback, verified: Verified) -> Answer:
        """Return the passive reply to a citizen's text if one is configured, else `success`."""
        text = self._settings.passive_reply
        if text is None or not named.is_words or named.sender is None:
            return SUCCESS
        return reply.passive(reply.Passive(named.sender, named.account, text), self._now(), verified.lock)

    def _message(self, body: bytes, wire: bytes, named: callback.Callback) -> RawMessage:
        now = self._now()
        is_mini = self._settings.kind == "mini_programme"
        return message_of(
            body, wire, named, self._account, self._jurisdiction, MINI_PROGRAMME if is_mini else CHANNEL_KIND, now
        )


def named_or_plain(body: bytes, account: str, now: datetime) -> callback.Callback:
    """Return the id of a callback, which the platform sends three times and then never again."""
    return faults.or_plainly(WeChat.channel, account, lambda: callback.read(body, now), lambda: callback.unread(body))


def check_method(request: Request) -> None:
    """Raise RefusedRequest (405) for methods that the platform never uses."""
    if request.method != "POST":
        raise RefusedRequest("neither GET nor POST: the sender is not the platform", status=405, reason="method")


def message_of(
    body: bytes, wire: bytes, named: callback.Callback, account: str, jurisdiction: str, kind: str, now: datetime
) -> RawMessage:
    """Return the raw record of a callback."""
    return raw_message(
        channel=WeChat.channel,
        channel_kind=kind,
        account=account,
        jurisdiction=jurisdiction,
        identifier=named.identifier,
        value=body,
        content_type=JSON if is_json(body) else CONTENT_TYPE,
        time=named.time or now,
        recorded=now,
        sender=named.sender,
        wire_sha256=hashlib.sha256(wire).hexdigest() if wire is not body else None,
    )


def _is_encrypted(given: Mapping[str, str]) -> bool:
    kind = given.get("encrypt_type", "raw")
    if kind not in ("raw", "aes"):
        raise RefusedRequest("an unknown encrypt_type", reason="parameters")
    return kind == "aes"
