"""Reads the body of a request with limits of size, pace and memory."""

import asyncio
from collections.abc import Callable

from starlette.requests import ClientDisconnect, Request

from schemas.errors import RefusedRequest

FIRST_SECONDS = 10.0
"""Seconds for a body that brings hardly any bytes; each `LEAST_BYTES_PER_SECOND` that arrive add one second.

As `RequestReadTimeout body=10,MinRate=1024` of Apache's mod_reqtimeout.
"""

LEAST_BYTES_PER_SECOND = 1024


async def read_body(
    request: Request,
    limit: int,
    seconds: float,
    *,
    has_room: Callable[[int], bool] = lambda _: True,
    body: bytearray | None = None,
    first_bytes: int = 0,
) -> bytes:
    """Return the body. Raises RefusedRequest: 400 cut off, 408 slow, 413 larger than `limit`, 503 without room.

    `has_room` is called, with the total size, before more is stored. `body` has the bytes that arrived before a
    refusal; a body that announces too large a size is read up to `first_bytes` before it is refused.
    """
    body = bytearray() if body is None else body
    loop = asyncio.get_running_loop()
    began = loop.time()
    is_too_large = int(request.headers.get("content-length", 0)) > limit
    if is_too_large and not first_bytes:
        raise _too_large()
    try:
        async with asyncio.timeout_at(began + min(seconds, FIRST_SECONDS)) as deadline:
            async for chunk in request.stream():
                size = len(body) + len(chunk)
                if size > limit or (is_too_large and size >= first_bytes):
                    body += chunk[: max(0, first_bytes - len(body))]
                    raise _too_large()
                if not has_room(size):
                    raise RefusedRequest("too many requests at the moment: try again soon", status=503, reason="busy")
                body += chunk
                deadline.reschedule(began + min(seconds, FIRST_SECONDS + size / LEAST_BYTES_PER_SECOND))
    except TimeoutError as error:
        raise RefusedRequest("the body did not arrive in time", status=408, reason="slow") from error
    except ClientDisconnect as error:
        raise RefusedRequest("the sender closed the connection", status=400, reason="disconnected") from error
    if is_too_large:
        raise _too_large()
    return bytes(body)


def _too_large() -> RefusedRequest:
    return RefusedRequest("the body exceeds the limit of this channel", status=413, reason="size")
