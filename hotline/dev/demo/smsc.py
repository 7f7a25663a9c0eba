"""An SMSC by others (smpp34) in a thread of its own: it keeps a message until the hotline has acknowledged it."""

import asyncio
import itertools
import threading
from collections import deque
from contextlib import suppress

import smpp34
from msgspec import Struct

_IDLE_SECONDS = 0.01
_AGAIN_SECONDS = 0.3
_HEADED = 0x40


class Sms(Struct, frozen=True, kw_only=True):
    """One short message, or one piece of a long one with its header, as a phone hands it over."""

    sender: str
    data: bytes
    coding: int = 8
    headed: bool = False
    receipt: bool = False
    to: str = "12345"


class Smsc:
    """Takes any login; what was refused, or not answered in time, it sends again. It accepts what is submitted."""

    def __init__(self, port: int, window: int = 10, patience_seconds: float = 15.0) -> None:
        self.port = port
        self._window, self._patience = window, patience_seconds
        self._waiting: deque[Sms] = deque()
        self._names = itertools.count(1)
        self.acknowledged: set[Sms] = set()
        self.submitted: list[Sms] = []
        """What the hotline sent to phones."""
        self.refused = 0
        """How often it was told that a message is not taken now."""

    def __enter__(self) -> "Smsc":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def waiting(self) -> int:
        """Return how many messages nobody has been asked to take yet."""
        return len(self._waiting)

    def deliver(self, sms: Sms) -> None:
        """Take a message from a phone."""
        self._waiting.append(sms)

    def start(self) -> None:
        """Listen."""
        self._loop = asyncio.new_event_loop()
        listening = threading.Event()
        self._serving = self._loop.create_task(self._serve(listening))
        self._thread = threading.Thread(target=self._run, name="smsc", daemon=True)
        self._thread.start()
        if not listening.wait(60):
            raise OSError(f"the SMSC of the demo could not listen on port {self.port}")

    def stop(self) -> None:
        """Go, with every connection; the messages stay. Safe twice."""
        with suppress(RuntimeError):  # it has ended
            self._loop.call_soon_threadsafe(self._serving.cancel)
        self._thread.join(10)

    def unbind(self) -> None:
        """Take leave of whoever is bound."""
        self._loop.call_soon_threadsafe(lambda: [self._loop.create_task(_leave(esme)) for esme in self._bound])

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._serving)
        self._loop.close()

    async def _serve(self, listening: threading.Event) -> None:
        server = smpp34.Server("127.0.0.1", self.port, system_id="SMSC")
        await server.start()
        listening.set()
        feeding: dict[str, asyncio.Task[None]] = {}
        self._bound: list[smpp34.Esme] = []
        try:
            while True:
                came = await server.next()
                if isinstance(came, smpp34.Esme):
                    self._bound.append(came)
                    feeding[came.session_id] = asyncio.create_task(self._feed(came))
                elif isinstance(came, smpp34.SubmitSmEvent):
                    self.submitted.append(_submitted(came))
                    came.accept(f"smsc-{next(self._names)}")
                else:
                    self._bound = [esme for esme in self._bound if esme.session_id != came.session_id]
                    feeding.pop(came.session_id).cancel()
        finally:
            for task in feeding.values():
                task.cancel()
            await asyncio.gather(*feeding.values(), return_exceptions=True)
            await server.stop()

    async def _feed(self, esme: smpp34.Esme) -> None:
        if esme.can_receive:
            await asyncio.gather(*(self._feed_one_after_other(esme) for _ in range(self._window)))

    async def _feed_one_after_other(self, esme: smpp34.Esme) -> None:
        while True:
            if not self._waiting:
                await asyncio.sleep(_IDLE_SECONDS)
                continue
            sms, taken = self._waiting.popleft(), False
            try:
                taken = await self._delivered(esme, sms)
            finally:
                if not taken:
                    self._waiting.appendleft(sms)
            if not taken:
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _delivered(self, esme: smpp34.Esme, sms: Sms) -> bool:
        try:
            async with asyncio.timeout(self._patience):
                answer = await esme.deliver_sm(
                    sms.to,
                    sms.data,
                    source_addr=sms.sender,
                    source_addr_ton=1,
                    source_addr_npi=1,
                    esm_class=_HEADED * sms.headed | 0x04 * sms.receipt,
                    data_coding=sms.coding,
                )
        except (smpp34.SmppError, TimeoutError):
            return False
        if answer.is_success:
            self.acknowledged.add(sms)
        else:
            self.refused += 1
        return answer.is_success


def _submitted(came: smpp34.SubmitSmEvent) -> Sms:
    headed = bool(came.esm_class & _HEADED)
    return Sms(
        sender=came.source_addr,
        data=came.short_message,
        coding=came.data_coding,
        headed=headed,
        to=came.destination_addr,
    )


async def _leave(esme: smpp34.Esme) -> None:
    with suppress(smpp34.SmppError):
        await esme.unbind()
