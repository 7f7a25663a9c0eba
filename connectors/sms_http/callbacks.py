"""Parses a gateway's request: messages with their ids, and the original bytes of each."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

import msgspec
from msgspec import Struct
from pydantic import SecretStr

from connectors.base import Request
from connectors.message_id import day_of, digest_of
from connectors.sms_http.settings import Provider
from normalizers.parse import json
from normalizers.sms import media, web
from schemas.codec import UNREADABLE
from schemas.errors import MalformedError
from schemas.ids import bounded

_PARAMETER = re.compile(r"[A-Za-z0-9+._-]{1,64}")

_LEAST_BYTES = len('{"phone_number":"","content":""}')
_FEW = 1000
"""Limit of array elements that are smaller than any message.

More would take a minute: such an array becomes a single unreadable message.
"""

_BATCH = msgspec.json.Decoder(list[msgspec.Raw])


class Callback(Struct, frozen=True, kw_only=True):
    """One message; `identifier` is the gateway's id if it has one, and equal for each repeat of the message."""

    identifier: str
    value: bytes
    content_type: str
    sender: str | None = None
    time: datetime | None = None


class Names(NamedTuple):
    """Ids of messages with only text and sender: keyed digests, with the day if the message has no time."""

    now: datetime
    key: SecretStr | None = None

    def name(self, said: bytes, *, is_dated: bool = True) -> str:
        """Return the id from a message's whole content."""
        return digest_of(said if is_dated else f"{day_of(self.now)}\n".encode() + said, self.key)


def read(request: Request, provider: Provider, names: Names) -> tuple[Callback, ...]:
    """Return the messages of a request; an unreadable one is a message, too, and becomes a dead letter later."""
    return _READERS[provider](request, names)


def unread(request: Request, provider: Provider, names: Names) -> Callback:
    """Return a request as one unparsed message."""
    return _unreadable(request.body, f"{_MEDIA[provider]}; provider={provider}", names)


def _twilio(request: Request, names: Names) -> tuple[Callback, ...]:
    content_type = "application/x-www-form-urlencoded; provider=twilio"
    try:
        received = web.read("twilio", request.body, {})
    except MalformedError:
        return (_unreadable(request.body, content_type, names),)
    status = received.extra.get("MessageStatus")
    # delivery reports carry the id of the sent message, and each of them is a message
    name = f"{received.identifier}:{status}" if received.report else received.identifier
    return (
        Callback(
            identifier=bounded(name), value=request.body, content_type=content_type, sender=received.sender or None
        ),
    )


def _in_json(provider: Provider, request: Request, names: Names) -> tuple[Callback, ...]:
    """Return the messages of an array; Tencent sends a single object, and delivery reports in an array."""
    elements = _batch(request.body)
    if len(elements) > max(_FEW, len(request.body) // _LEAST_BYTES):
        return (_unreadable(request.body, f"application/json; provider={provider}", names),)
    return tuple(_of_json(provider, value, names) for value in elements)


def _of_json(provider: Provider, value: bytes, names: Names) -> Callback:
    content_type = f"application/json; provider={provider}"
    try:
        received = web.read(provider, value, {})
    except MalformedError:
        return _unreadable(value, content_type, names)
    if received.text and received.time:
        told = (received.sender, received.time.isoformat(), received.text)
        digest = names.name("\n".join(told).encode("utf-8", "surrogatepass"))
    else:  # without a time, or with an unreadable one
        digest = names.name(value, is_dated=bool(received.identifier))
    # Aliyun calls its sequence_id a serial number, of type Double in one document: it may not be unique.
    return Callback(
        identifier=bounded(f"{received.identifier}:{digest}" if received.identifier else digest),
        value=value,
        content_type=content_type,
        sender=received.sender or None,
        time=received.time,
    )


def _batch(body: bytes) -> tuple[bytes, ...]:
    """Return the elements of an array with unchanged bytes; any other body is returned as a single element.

    Half an emoji in one citizen's text must not affect the others: the JSON is repaired then.
    """
    for readable in (bytes, json.mended):
        with suppress(*UNREADABLE):
            return tuple(bytes(element) for element in _BATCH.decode(readable(body)))
    try:  # GBK, whose second bytes may look like backslashes
        elements = _BATCH.decode(json.mended(body.decode("gb18030").encode()))
        return tuple(bytes(element).decode().encode("gb18030") for element in elements)
    except (*UNREADABLE, UnicodeEncodeError):
        return (body,)


def _kannel(request: Request, names: Names) -> tuple[Callback, ...]:
    """Read sender and id from the query, as `post-url` names them (id=%I&from=%p&to=%P&charset=%C).

    With id=%i, which is the line's name, all messages of a line would have the same id without the digest.
    """
    query = {name: values[0] for name, values in request.query.items() if values}
    sender = query.get("from") or request.headers.get("x-kannel-from", "")
    options = {
        "provider": "kannel",
        "charset": query.get("charset") or media(request.headers.get("content-type", ""))[1].get("charset", ""),
        "to": query.get("to") or request.headers.get("x-kannel-to", ""),
        "udh": request.headers.get("x-kannel-udh", ""),
    }
    named, time = query.get("id", ""), request.headers.get("x-kannel-time", "")
    told = "\n".join([sender, options["to"], time, options["udh"]]).encode("utf-8", "surrogatepass")
    digest = names.name(told + b"\n" + request.body, is_dated=bool(named or time))
    parameters = "".join(f"; {name}={value}" for name, value in options.items() if _PARAMETER.fullmatch(value))
    return (
        Callback(
            identifier=bounded(f"{named}:{digest}") if named else digest,
            value=request.body,
            content_type=f"text/plain{parameters}",
            sender=sender or None,
        ),
    )


def _unreadable(value: bytes, content_type: str, names: Names) -> Callback:
    return Callback(identifier=names.name(value), value=value, content_type=content_type)


_MEDIA: Mapping[Provider, str] = MappingProxyType(
    {
        "twilio": "application/x-www-form-urlencoded",
        "aliyun": "application/json",
        "tencent": "application/json",
        "kannel": "text/plain",
    }
)

_READERS: Mapping[Provider, Callable[[Request, Names], tuple[Callback, ...]]] = MappingProxyType(
    {
        "twilio": _twilio,
        "aliyun": partial(_in_json, "aliyun"),
        "tencent": partial(_in_json, "tencent"),
        "kannel": _kannel,
    }
)
