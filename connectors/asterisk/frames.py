"""Frames of the manager interface: bytes up to an empty line; of too large a one only that it was there."""

import asyncio
from collections.abc import Mapping

END = b"\r\n\r\n"


async def read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """Return the next frame without its empty line, None for one over the reader's limit, which is dropped.

    Raises asyncio.IncompleteReadError at the end of the connection, also when it cuts a frame.
    """
    try:
        return (await reader.readuntil(END)).removesuffix(END)
    except asyncio.LimitOverrunError as error:
        await _drop(reader, error.consumed)
        return None


async def _drop(reader: asyncio.StreamReader, consumed: int) -> None:
    while True:
        await reader.readexactly(max(consumed, 1))
        try:
            await reader.readuntil(END)
        except asyncio.LimitOverrunError as error:
            consumed = error.consumed
        else:
            return


def action(name: str, fields: Mapping[str, str] | None = None) -> bytes:
    """Return an action's bytes. Raises ValueError for a line break in a value: it would be another header."""
    lines = {"Action": name, **(fields or {})}
    if any("\r" in value or "\n" in value for value in lines.values()):
        raise ValueError("a line break in a value for the manager interface")
    return "".join(f"{key}: {value}\r\n" for key, value in lines.items()).encode() + b"\r\n"
