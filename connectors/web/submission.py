"""A submission: reads the body within limits, parses its fields, and builds the raw message."""

import hashlib
import itertools
import operator
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Struct
from starlette.requests import Request

from connectors.http.quota import SMALL_BYTES, Hold
from connectors.http.request_body import read_body
from connectors.web.settings import WebSettings
from connectors.web.validation import MOST_IN_A_FIELD, MOST_IN_A_NAME
from normalizers.parse import json
from normalizers.web import fields
from normalizers.web.fields import Fields
from normalizers.web.multipart import Part, parts, written
from schemas.errors import MalformedError, RecordError, RefusedRequest
from schemas.records import RawMessage, raw_message
from storage.thread_pool import Threads

T = TypeVar("T")

CHANNEL = "web"
STEP = timedelta(minutes=10)
"""A submission with the same content within this time is a repeat, if it has no idempotency key."""

API_KEY = "api_key"

_NOT_SAID = frozenset({API_KEY, "stamp", "lang", "website"})
"""Fields without content: a repeat may have other values."""

_CUT_SHORT = frozenset({"size", "slow", "busy"})
"""Refusals of a body whose beginning may report an emergency."""

_THREADS = Threads("submissions", 2)

_PLAIN_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{1,200}")
"""The characters of RFC 2046, at a greater length: any other boundary would be invalid in the record's content type."""


class Submission(Struct, frozen=True, kw_only=True):
    """The stored part of a request: the body, its content type, and its fields and files.

    `wire_sha256` is the digest of the body as received, if it differs and was complete.
    """

    body: bytes
    content_type: str
    given: Fields
    left_out: bool = False
    wire_sha256: str | None = None

    @property
    def digest(self) -> str:
        """Return SHA-256 of the content, independent of encoding and boundary."""
        told = hashlib.sha256()
        for name, value in self.given.pairs:
            if name not in _NOT_SAID:
                told.update(f"{len(name)}:{name}{len(value)}:".encode("utf-8", "surrogatepass"))
                told.update(value.encode("utf-8", "surrogatepass"))
        for file in self.given.files:
            told.update(f"\n{file.field}\n{file.name}\n".encode("utf-8", "surrogatepass"))
            told.update(hashlib.sha256(file.data).digest())
        return told.hexdigest()

    def identifier(self, key: str, arrivals: "Arrivals", now: datetime) -> str:
        """Return `ce_id`: from the idempotency key if there is one, else from the ten-minute step of arrival.

        Both include the content: a key that is reused for another text gives another message, and none is lost.
        """
        digest = self.digest
        if key:
            return hashlib.sha256(f"{key}\n{digest}".encode("utf-8", "surrogatepass")).hexdigest()
        return f"{digest}:{int(arrivals.first(digest, now).timestamp() // STEP.total_seconds())}"


class Arrivals:
    """First arrivals of the submissions of the last minutes: a repeat is one across steps, too. Thread-safe.

    A process knows only its own submissions since its start; between processes only the steps are common.
    """

    def __init__(self, most: int = 50_000) -> None:
        self._first: OrderedDict[str, datetime] = OrderedDict()
        self._most = most
        self._one_at_a_time = threading.Lock()

    def first(self, digest: str, now: datetime) -> datetime:
        """Return the first arrival of the same content, or now if that is more than a step ago."""
        with self._one_at_a_time:
            before = self._first.get(digest)
            if before is not None and abs(now - before) < STEP:
                return before
            self._first[digest] = now
            self._first.move_to_end(digest)
            if len(self._first) > self._most:
                self._first.popitem(last=False)
            return now


async def elsewhere(size: int, work: Callable[[], T]) -> T:
    """Run the work on a large body in a thread, so that it delays no other requests."""
    return await _THREADS.do(work) if size > SMALL_BYTES else work()


async def receive(
    request: Request, settings: WebSettings, hold: Hold, is_urgent: Callable[[Fields], bool] = lambda _: False
) -> Submission:
    """Return the submission of a request. Raises RefusedRequest (400, 408, 413, 415, 503).

    The text of an emergency is accepted all the same: for a body that is too large or too slow, or exceeds the
    memory, from its first 64 KiB; for files beyond the limits, their names.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RefusedRequest("a compressed body is not accepted: send it uncompressed", status=415, reason="encoding")
    content_type = request.headers.get("content-type", "")
    _check_type(content_type)
    arrived = bytearray()
    try:
        body = await read_body(
            request,
            settings.body_max_bytes,
            settings.body_timeout_seconds,
            has_room=hold.grow,
            body=arrived,
            first_bytes=SMALL_BYTES,
        )
    except RefusedRequest as refusal:
        first = _beginning(content_type, bytes(arrived[:SMALL_BYTES])) if refusal.reason in _CUT_SHORT else None
        if first is None or not is_urgent(first.given):
            raise
        return within_limits(first, settings)
    try:
        given = await elsewhere(len(body), lambda: fields.read(content_type, body))
    except RecordError as error:
        raise RefusedRequest(str(error), status=400, reason="malformed") from error
    one = Submission(body=body, content_type=content_type, given=given)
    return await elsewhere(len(body), lambda: within_limits(one, settings)) if is_urgent(given) else one


def _beginning(content_type: str, body: bytes) -> Submission | None:
    """Return the content of a body's beginning, or None if it is unreadable; a truncated file has no bytes."""
    name, options = fields.media(content_type)
    boundary = options.get("boundary", "").encode("latin-1")
    end = b"\r\n--" + boundary + b"--\r\n" if name == fields.MULTIPART else b""
    for begun in (
        body,
        body[: max(0, body.rfind(end[: len(boundary) + 4]))],
    ):  # the last header may be cut
        with suppress(RecordError):
            given = fields.read(content_type, begun + end)
            last = len(given.files) - 1
            whole = _without(begun + end, boundary, partial(operator.eq, last)) if end else begun
            return Submission(
                body=whole, content_type=content_type, given=fields.read(content_type, whole), left_out=True
            )
    return None


def within_limits(one: Submission, settings: WebSettings) -> Submission:
    """Return a submission without the bytes of files that are too large, too many, or with too long names."""
    beyond = [
        number >= settings.files_max or len(file.data) > settings.file_max_bytes or len(file.name) > MOST_IN_A_NAME
        for number, file in enumerate(one.given.files)
    ]
    if not any(beyond):
        return one
    boundary = fields.media(one.content_type)[1].get("boundary", "").encode("latin-1")
    body = _without(one.body, boundary, beyond.__getitem__)
    return Submission(
        body=body,
        content_type=one.content_type,
        given=fields.read(one.content_type, body),
        left_out=True,
        wire_sha256=None if one.left_out else hashlib.sha256(one.body).hexdigest(),
    )


def _without(body: bytes, boundary: bytes, is_left_out: Callable[[int], bool]) -> bytes:
    """Return a multipart body without the bytes of some files, by number; their names stay."""
    numbers = itertools.count()

    def kept(part: Part) -> Part:
        is_file = fields.is_file(part) and (part.filename or part.value)
        if not is_file or not is_left_out(next(numbers)):
            return part
        return msgspec.structs.replace(part, filename=part.filename or b"file", value=b"")

    return written(map(kept, parts(body, boundary)), boundary)


def _check_type(content_type: str) -> None:
    """Refuse content types that the record cannot have: other types, or an invalid boundary."""
    name, options = fields.media(content_type)
    if name not in fields.TYPES:
        raise RefusedRequest(
            "the body is not a form: use urlencoded, multipart or JSON", status=400, reason="content_type"
        )
    if name == fields.MULTIPART and not _PLAIN_BOUNDARY.fullmatch(options.get("boundary", "")):
        raise RefusedRequest("a multipart body without a boundary (RFC 2046)", status=400, reason="malformed")


def raw_of(
    one: Submission,
    *,
    account: str,
    city: str,
    kind: str,
    identifier: str,
    now: datetime,
    options: Mapping[str, str],
    folded_into: str | None = None,
) -> RawMessage:
    """Return the raw message: the unchanged body without the app's key; the content type holds the `options`.

    Raises RefusedRequest as `without_key` does.
    """
    value = without_key(one.body, one.content_type)
    sender = _sender(one.given.form)
    return raw_message(
        channel=CHANNEL,
        channel_kind=kind,
        account=account,
        jurisdiction=city,
        identifier=identifier,
        value=value,
        content_type=typed(one.content_type, options),
        time=now,
        recorded=now,
        sender=sender,
        conversation=f"{account}\n{sender or identifier}",
        wire_sha256=one.wire_sha256 if one.left_out else _digest_if_other(value, one.body),
        folded_into=folded_into,
    )


def _digest_if_other(value: bytes, wire: bytes) -> str | None:
    return hashlib.sha256(wire).hexdigest() if value is not wire else None


def _sender(form: Mapping[str, str]) -> str | None:
    """Return the citizen's phone or e-mail, cut: an urgent form is not validated, and headers hold this value."""
    given = (form.get(name, "").strip() for name in ("phone", "email"))
    return next((text[:MOST_IN_A_FIELD] for text in given if text), None)


def typed(content_type: str, options: Mapping[str, str]) -> str:
    """Return the content type with `options`; of the sender's parameters only the boundary is kept."""
    name, given = fields.media(content_type)
    boundary = given.get("boundary", "")
    kept = {"boundary": boundary} if _PLAIN_BOUNDARY.fullmatch(boundary) else {}
    return "; ".join([name, *(f'{key}="{value}"' for key, value in {**kept, **options}.items())])


def without_key(body: bytes, content_type: str) -> bytes:
    """Return the body without the values of `api_key`; all other bytes stay unchanged.

    Raises RefusedRequest for a key that is not contiguous in the body, which valid keys are.
    """
    name, options = fields.media(content_type)
    if name == fields.MULTIPART:
        return _cut_parts(body, options.get("boundary", "").encode("latin-1"))
    if name == fields.JSON:
        return _cut_json(body)
    pairs = body.split(b"&")
    kept = [pair for pair in pairs if unquote_to_bytes(pair.partition(b"=")[0].replace(b"+", b" ")) != b"api_key"]
    return body if len(kept) == len(pairs) else b"&".join(kept)


def _cut_json(body: bytes) -> bytes:
    found, _ = json.read(body, dict[str, msgspec.Raw])
    if API_KEY not in found:
        return body
    return msgspec.json.encode({name: value for name, value in found.items() if name != API_KEY})


def _cut_parts(body: bytes, boundary: bytes) -> bytes:
    try:
        keys = [part for part in parts(body, boundary) if part.name == b"api_key" and part.value]
    except MalformedError as error:
        raise RefusedRequest(str(error), status=400, reason="malformed") from error
    for part in reversed(keys):
        if part.start is None or part.end is None:
            raise RefusedRequest("api_key missing or invalid", status=403, reason="key")
        body = body[: part.start] + body[part.end :]
    return body
