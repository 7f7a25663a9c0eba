"""TCP and TLS connections whose errors name the setting to correct, and frames that end with a mark."""

import asyncio
import ssl
from collections.abc import AsyncIterator

from broker.tls import certificate_fault
from schemas.errors import UnreachableError

_CHUNK_BYTES = 64 * 1024


async def connect(
    peer: str,
    host: str,
    port: int,
    seconds: float,
    advice: str,
    tls: ssl.SSLContext | None = None,
    limit: int = _CHUNK_BYTES,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return reader and writer of a new connection, which buffers up to twice `limit` unread bytes.

    Raises UnreachableError, whose text ends with `advice`.
    """
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.open_connection(host, port, ssl=tls, limit=limit)
    except ssl.SSLCertVerificationError as error:
        why = certificate_fault(error, "ssl_cafile")
        raise UnreachableError(f"{peer} cannot be trusted, its certificate {why}") from error
    except (OSError, TimeoutError) as error:
        raise UnreachableError(f"no connection to {peer} ({type(error).__name__}): {advice}") from error


async def frames(
    reader: asyncio.StreamReader, end: bytes, most: int, silence_seconds: float
) -> AsyncIterator[bytes | None]:
    """Yield the bytes before each `end`, or None for more than `most` bytes, until the connection ends.

    An unfinished frame is dropped. Raises TimeoutError after `silence_seconds` without a byte.
    """
    held, is_dropped = b"", False
    while True:
        async with asyncio.timeout(silence_seconds):
            data = await reader.read(_CHUNK_BYTES)
        if not data:
            return
        *whole, held = (held + data).split(end)
        for frame in whole:
            yield None if is_dropped or len(frame) > most else frame
            is_dropped = False
        if len(held) > most + len(end):
            held, is_dropped = held[-len(end) :], True
