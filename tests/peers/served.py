"""A peer of ours that serves from an event loop in a thread of its own: `with` begins and ends it."""

import asyncio
import threading
from types import TracebackType
from typing import Self


class Served:
    """`_serve` sets `_ready` once it listens, and ends when `_end` is set."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(60)

    def _run(self) -> None:
        self._loop.run_until_complete(self._main())
        self._loop.close()

    async def _main(self) -> None:
        self._end = asyncio.Event()
        await self._serve()
        for transport in list(self._loop._transports.values()):  # type: ignore[attr-defined] # peers may hang up without TLS
            transport.abort()
        await asyncio.sleep(0)

    async def _serve(self) -> None:
        raise NotImplementedError
