"""Downloads one temporary media file (临时素材) in bounded memory."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import msgspec
import requests
from msgspec import Struct

from connectors.wechat.api import Api, NoAnswerError, RefusalError
from schemas.codec import UNREADABLE, built
from schemas.errors import TooLargeError, UnreachableError
from schemas.records.raw import SIZE_LIMIT

PIECE_BYTES = 64 * 1024

FOREIGN = 0
"""Used instead of an errcode if the platform names an address outside Tencent's hosts."""

_VIDEO_HOSTS = ("qq.com", "qpic.cn", "wechat.com")
"""Hosts of videos: an official account's video is only an address at Tencent; other hosts are not followed."""

_MOST_ADDRESSES = 5
"""Limit of redirects."""

Stopped = Callable[[], bool]
"""Returns True when this process is stopping: an unfinished file is then fetched after the next start."""


class Downloaded(Struct, frozen=True, kw_only=True):
    """Result of a download; `media_type` is the platform's Content-Type."""

    size: int
    sha256: str
    media_type: str


@built
class _Problem(Struct):
    errcode: int = 0
    video_url: str = ""


def download(
    api: Api,
    media_id: str,
    into: BinaryIO,
    *,
    limit: int = SIZE_LIMIT,
    stopped: Stopped = lambda: False,
) -> Downloaded:
    """Write the bytes of a media id. Raises TooLargeError, RefusalError (40007: expired), and retriable errors."""

    def take(response: requests.Response) -> Downloaded | _Problem:
        return _taken(response, _pieces(response, stopped), into, limit)

    def ask(token: str) -> Downloaded | _Problem:
        with api.opened("media/get", access_token=token, media_id=media_id) as response:
            return take(response)

    found = api.with_token(ask)
    return found if isinstance(found, Downloaded) else _video(api, found.video_url, take)


def _video(api: Api, url: str, take: Callable[[requests.Response], Downloaded | _Problem]) -> Downloaded:
    """Download a video from its address, following redirects; each address must be Tencent's."""
    here = _tencents(api, url)
    for _ in range(_MOST_ADDRESSES):
        with api.opened(here) as response:
            if not response.is_redirect:
                return _whole(take(response))
            here = _tencents(api, response.headers["Location"], here)
    raise RefusalError(FOREIGN)


def _tencents(api: Api, url: str, base: str = "") -> str:
    """Return the absolute address if its host is allowed; raises RefusalError otherwise."""
    try:
        url = urljoin(base, url)
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise RefusalError(FOREIGN) from None
    is_tencents = any(host == one or host.endswith(f".{one}") for one in _VIDEO_HOSTS)
    if parts.scheme not in ("http", "https") or not (is_tencents or api.is_own(url)):
        raise RefusalError(FOREIGN)
    return url


def _whole(found: Downloaded | _Problem) -> Downloaded:
    if isinstance(found, Downloaded):
        return found
    raise RefusalError(FOREIGN)  # the answer for a video names another address


def _taken(response: requests.Response, pieces: Iterator[bytes], into: BinaryIO, limit: int) -> Downloaded | _Problem:
    """Read an answer: a file, or the address of a video; raises RefusalError for other JSON."""
    if response.status_code != 200:
        raise NoAnswerError(f"the platform answered HTTP {response.status_code}: it is tried again", sent=True)
    head = _head(pieces)
    if "Content-Disposition" not in response.headers:
        problem = _problem(head)
        if problem is not None and problem.errcode:
            raise RefusalError(problem.errcode)
        if problem is not None:
            return problem
        if _type_of(response) == "text/html":
            raise NoAnswerError("the platform answered with a page instead of a file: it is tried again", sent=True)
    return _written(chain((head,), pieces), response, into, limit)


def _written(pieces: Iterator[bytes], response: requests.Response, into: BinaryIO, limit: int) -> Downloaded:
    digest, size = hashlib.sha256(), 0
    with _disk():
        into.seek(0)
        into.truncate()
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise TooLargeError(f"the file is larger than {limit} bytes")
        digest.update(piece)
        with _disk():
            into.write(piece)
    with _disk():
        into.flush()  # a full disk may raise only now
    told = response.headers.get("Content-Length", "")
    if size == 0 or (told.isascii() and told.isdigit() and told.lstrip("0") != str(size)):
        raise NoAnswerError("the file came cut off: it is fetched again", sent=True)
    return Downloaded(size=size, sha256=digest.hexdigest(), media_type=_type_of(response))


def _head(pieces: Iterator[bytes]) -> bytes:
    """Return the first bytes of a body, or all of a short one: a JSON error may come in pieces."""
    head = bytearray()
    while len(head) < PIECE_BYTES and (piece := next(pieces, b"")):
        head += piece
    return bytes(head)


@contextmanager
def _disk() -> Iterator[None]:
    """Translate errors of the local file; errors of the connection are translated elsewhere."""
    try:
        yield
    except OSError as error:
        raise UnreachableError(
            f"a file cannot be stored in the temporary folder ({error.strerror}): check its room"
        ) from error


def _pieces(response: requests.Response, stopped: Stopped) -> Iterator[bytes]:
    for piece in response.iter_content(PIECE_BYTES):
        yield piece
        if stopped():
            raise NoAnswerError("we are stopping: the file is fetched after the next start", sent=True)


def _problem(head: bytes) -> _Problem | None:
    """Return the content of a short JSON answer, or None for a file, which may itself be JSON."""
    try:
        found = msgspec.json.decode(head, type=_Problem, strict=False)
    except UNREADABLE:
        return None
    return found if found.errcode or found.video_url else None


def _type_of(response: requests.Response) -> str:
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower() or "application/octet-stream"
