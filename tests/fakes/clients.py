"""Clients of Kafka that do not end as they should."""

import asyncio
from contextlib import suppress
from types import SimpleNamespace


class Client:
    """Starts; its `stop` is each subclass's own."""

    _txn_manager = None
    _message_accumulator = SimpleNamespace(_batches={})

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def close(self) -> None:
        await self.stop()


class Hanging(Client):
    """Waits for an answer that never comes."""

    async def stop(self) -> None:
        await asyncio.Event().wait()


class Stubborn(Client):
    """The same, and takes a cancellation for that of a task of its own."""

    let_go = False

    async def stop(self) -> None:
        while not self.let_go:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.2)


async def let_go() -> None:
    """Let the stubborn ones end, so that none lives on in the next test."""
    Stubborn.let_go = True
    await asyncio.sleep(0.25)
    Stubborn.let_go = False


class Leaking(Client):
    """Lets the end of a fetch of its own out, as aiokafka does."""

    async def stop(self) -> None:
        raise asyncio.CancelledError


class Failing(Client):
    """Has lost its broker."""

    async def stop(self) -> None:
        raise OSError("gone")


NOT_ENDING = [Hanging, Stubborn, Leaking, Failing]
