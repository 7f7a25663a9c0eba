"""What a gateway's request brings: messages with their names, each as the bytes that stand for it."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from types import MappingProxyType

import msgspec
from msgspec import Struct
from pydantic import SecretStr

from connectors.account import digest_of
from connectors.base import Request
from connectors.sms_http.settings import Provider
from normalizers import mended
from normalizers.sms import media, web
from schemas.errors import MalformedError
from schemas.ids import bounded
from schemas.wire import UNREADABLE

_PARAMETER = re.compile(r"[A-Za-z0-9+._-]{1,64}")

_LEAST_BYTES = len('{"phone_number":"","content":""}')
_FEW = 1000
"""An array of more elements that are smaller than any message is one unreadable message, or it would cost a minute."""

_BATCH = msgspec.json.Decoder(list[msgspec.Raw])


class Callback(Struct, frozen=True, kw_only=True):
    """One message; `identifier` is the gateway's where it gives one, and the same whenever the message comes again."""

    identifier: str
    value: bytes
    content_type: str
    sender: str | None = None
    time: datetime | None = None


def read(request: Request, provider: Provider, key: SecretStr | None = None) -> tuple[Callback, ...]:
    """Return the messages of a request; one that cannot be read is a message, too, and later a dead letter.

    Under `key` are the names of those that their words and sender name.
    """
    return _READERS[provider](request, key)


def unread(request: Request, provider: Provider, key: SecretStr | None = None) -> Callback:
    """Return a request as one message that nobody has read."""
    return _unreadable(request.body, f"{_MEDIA[provider]}; provider={provider}", key)


def _twilio(request: Request, key: SecretStr | None) -> tuple[Callback, ...]:
    content_type = "application/x-www-form-urlencoded; provider=twilio"
    try:
        received = web.read("twilio", request.body, {})
    except MalformedError:
        return (_unreadable(request.body, content_type, key),)
    status = received.extra.get("MessageStatus")
    # the reports of one message of ours carry its id: each of them is a message
    name = f"{received.identifier}:{status}" if received.report else received.identifier
    return (
        Callback(
            identifier=bounded(name), value=request.body, content_type=content_type, sender=received.sender or None
        ),
    )


def _aliyun(request: Request, key: SecretStr | None) -> tuple[Callback, ...]:
    elements = _batch(request.body)
    if len(elements) > max(_FEW, len(request.body) // _LEAST_BYTES):
        return (_unreadable(request.body, "application/json; provider=aliyun", key),)
    return tuple(_of_json("aliyun", value, key) for value in elements)


def _tencent(request: Request, key: SecretStr | None) -> tuple[Callback, ...]:
    return (_of_json("tencent", request.body, key),)


def _of_json(provider: Provider, value: bytes, key: SecretStr | None) -> Callback:
    content_type = f"application/json; provider={provider}"
    try:
        received = web.read(provider, value, {})
    except MalformedError:
        return _unreadable(value, content_type, key)
    if received.text and received.time:
        told = (received.sender, received.time.isoformat(), received.text)
        digest = digest_of("\n".join(told).encode("utf-8", "surrogatepass"), key)
    else:  # by the words alone, the same words of another day would be a repeat
        digest = digest_of(value, key)
    # Aliyun calls its sequence_id a serial number, of type Double in one document: nobody says that no other has it.
    return Callback(
        identifier=bounded(f"{received.identifier}:{digest}" if received.identifier else digest),
        value=value,
        content_type=content_type,
        sender=received.sender or None,
        time=received.time,
    )


def _batch(body: bytes) -> tuple[bytes, ...]:
    """Return the elements of an array, byte for byte; a body that is none stands for itself.

    Half an emoji in the words of one citizen must not take the others' with them: they are mended then.
    """
    for readable in (bytes, mended.mended):
        with suppress(*UNREADABLE):
            return tuple(bytes(element) for element in _BATCH.decode(readable(body)))
    try:  # in GBK, whose second bytes may look like backslashes
        elements = _BATCH.decode(mended.mended(body.decode("gb18030").encode()))
        return tuple(bytes(element).decode().encode("gb18030") for element in elements)
    except (*UNREADABLE, UnicodeEncodeError):
        return (body,)


def _kannel(request: Request, key: SecretStr | None) -> tuple[Callback, ...]:
    """Who sent it and its id stand in the query as `post-url` names them (id=%I&from=%p&to=%P&charset=%C).

    With id=%i, which is the line's name, all messages of a line would be one by their id alone.
    """
    query = {name: values[0] for name, values in request.query.items() if values}
    sender = query.get("from") or request.headers.get("x-kannel-from", "")
    options = {
        "provider": "kannel",
        "charset": query.get("charset") or media(request.headers.get("content-type", ""))[1].get("charset", ""),
        "to": query.get("to") or request.headers.get("x-kannel-to", ""),
        "udh": request.headers.get("x-kannel-udh", ""),
    }
    told = [sender, options["to"], request.headers.get("x-kannel-time", ""), options["udh"]]
    digest = digest_of("\n".join(told).encode("utf-8", "surrogatepass") + b"\n" + request.body, key)
    named = query.get("id", "")
    parameters = "".join(f"; {name}={value}" for name, value in options.items() if _PARAMETER.fullmatch(value))
    return (
        Callback(
            identifier=bounded(f"{named}:{digest}") if named else digest,
            value=request.body,
            content_type=f"text/plain{parameters}",
            sender=sender or None,
        ),
    )


def _unreadable(value: bytes, content_type: str, key: SecretStr | None) -> Callback:
    return Callback(identifier=digest_of(value, key), value=value, content_type=content_type)


_MEDIA: Mapping[Provider, str] = MappingProxyType(
    {
        "twilio": "application/x-www-form-urlencoded",
        "aliyun": "application/json",
        "tencent": "application/json",
        "kannel": "text/plain",
    }
)

_READERS: Mapping[Provider, Callable[[Request, SecretStr | None], tuple[Callback, ...]]] = MappingProxyType(
    {"twilio": _twilio, "aliyun": _aliyun, "tencent": _tencent, "kannel": _kannel}
)
