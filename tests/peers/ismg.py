"""An ISMG of ours, with a codec of its own: sends what is queued, in a window, and again what stays unanswered.

SMSGate shows that it is like a real one, pycmpp that a foreign client understands it; this one can misbehave.
"""

import asyncio
import hashlib
import struct
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import islice

RESPONSE = 0x80000000
CONNECT, TERMINATE, SUBMIT, DELIVER, ACTIVE_TEST = 1, 2, 4, 5, 8
SOURCE, SECRET = "900001", "888888"
CITIZEN, HOTLINE = "13800138000", "12345"
FIRST = 7_000_000_000_000_000_000
"""The Msg_Id of the first SUBMIT is one more."""


def frame(command: int, sequence: int, body: bytes = b"") -> bytes:
    return struct.pack(">III", 12 + len(body), command, sequence) + body


def deliver(
    msg_id: int,
    content: bytes,
    *,
    major: int = 2,
    fmt: int = 8,
    udhi: int = 0,
    report: int = 0,
    sender: str = CITIZEN,
) -> bytes:
    """The body of a DELIVER."""
    source = sender.encode().ljust(21, b"\0") if major == 2 else sender.encode().ljust(32, b"\0") + b"\0"
    head = struct.pack(">Q", msg_id) + HOTLINE.encode().ljust(21, b"\0") + bytes(10) + bytes([0, udhi, fmt]) + source
    return head + bytes([report, len(content)]) + content + bytes(8 if major == 2 else 20)


class Ismg:
    """Keeps its messages over connections until they are answered with 0; attributes may be changed at any time."""

    def __init__(self, major: int = 2, *, window: int = 16, repeat_seconds: float = 60.0, repeats: int = 3) -> None:
        self.major, self.window = major, window
        self.repeat_seconds, self.repeats = repeat_seconds, repeats
        self.status = 0
        self.mute = False
        """Neither answers nor reads on: a half-open connection."""
        self.answers_submit: Callable[[bytes], int | None] = lambda _: 0
        self.most_logins = 100
        """A further login is refused: 连接数."""
        self.alternates = False
        """Sends each try of a message on the next login in turn, and never again after `repeats` of them."""
        self.lost: list[int] = []
        self._tries: Counter[int] = Counter()
        self._due: dict[int, float] = {}
        self._turn = 0
        self._there: list[asyncio.StreamWriter] = []
        self.queued: dict[int, bytes] = {}
        self.sent: Counter[int] = Counter()
        self.results: dict[int, list[int]] = {}
        self.logins: list[tuple[str, bytes, int, int]] = []
        self.submitted: list[bytes] = []
        self.sequences: list[int] = []
        """Of the SUBMITs, to answer them later: `say`."""
        self.got: list[int] = []
        """The commands that came, in their order."""
        self.last = 0
        self.writers: set[asyncio.StreamWriter] = set()
        self.serving: set[asyncio.Task[None]] = set()
        self.changed = asyncio.Condition()

    async def __aenter__(self) -> "Ismg":
        await self.listen(0)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.die()
        for task in self.serving:
            task.cancel()
        await asyncio.gather(*self.serving, return_exceptions=True)
        await _turns(3)  # an aborted transport is closed in the loop's next turn

    async def listen(self, port: int) -> None:
        self.server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        self.port: int = self.server.sockets[0].getsockname()[1]

    async def die(self) -> None:
        """Listen no more, and reset every connection; what was not answered is kept."""
        for listener in self.server.sockets:
            asyncio.get_running_loop().remove_reader(listener.fileno())
        await _turns(10)  # asyncio loses a connection that it accepts while its server is closed
        self.server.close()
        self.cut()

    def queue(self, content: bytes, **fields: int | str) -> int:
        """Let a citizen send something; return its Msg_Id."""
        self.last += 1
        return self.queue_body(self.last, deliver(self.last, content, major=self.major, **fields))  # type: ignore[arg-type] # names are deliver's

    def queue_body(self, msg_id: int, body: bytes) -> int:
        self.queued[msg_id] = body
        self._notify()
        return msg_id

    def write(self, data: bytes) -> None:
        """Send some bytes as they are on every connection."""
        for writer in self.writers:
            writer.write(data)

    def say(self, number: int, result: int = 0) -> None:
        """Answer the SUBMIT of this number, counted from 1."""
        self.write(self._answer(number, self.sequences[number - 1], result))

    def report(self, number: int, stat: str = "DELIVRD", phone: str = CITIZEN) -> int:
        """Queue the status report of a SUBMIT."""
        times = b"2611250100" * 2
        told = struct.pack(">Q", FIRST + number) + stat.encode().ljust(7, b"\0") + times
        width = 21 if self.major == 2 else 32
        return self.queue(told + phone.encode().ljust(width, b"\0") + bytes(4), report=1, fmt=0, sender=phone)

    def cut(self) -> None:
        """Reset every connection."""
        for writer in self.writers:
            writer.transport.abort()

    async def fall_silent(self, msg_id: int) -> None:
        """Send a message no more, and return when what was sent of it has been read at the other side."""
        del self.queued[msg_id]
        answers = self.got.count(ACTIVE_TEST | RESPONSE)
        self.write(frame(ACTIVE_TEST, 9))
        await self.until(lambda: self.got.count(ACTIVE_TEST | RESPONSE) > answers)

    async def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(condition)

    def _notify(self) -> None:
        async def notify() -> None:
            async with self.changed:
                self.changed.notify_all()

        self._notifying = asyncio.ensure_future(notify())

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        task = asyncio.ensure_future(self._serve(reader, writer))
        self.serving.add(task)
        task.add_done_callback(self.serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        times: Counter[int] = Counter()
        due: dict[int, float] = {}
        sending = None
        try:
            while True:
                size, command, sequence = struct.unpack(">III", await reader.readexactly(12))
                body = await reader.readexactly(size - 12)
                self.got.append(command)
                if self.mute:
                    continue
                if command == CONNECT:
                    if self._log_in(writer, sequence, body):
                        sending = asyncio.ensure_future(self._send(writer, times, due))
                elif command == DELIVER | RESPONSE:
                    msg_id = int.from_bytes(body[:8], "big")
                    result = int.from_bytes(body[8:], "big")
                    self.results.setdefault(msg_id, []).append(result)
                    if result == 0:
                        self.queued.pop(msg_id, None)
                        times.pop(msg_id, None)
                        due.pop(msg_id, None)
                elif command == SUBMIT:
                    self._submitted(writer, sequence, body)
                elif command == ACTIVE_TEST:
                    writer.write(frame(command | RESPONSE, sequence, b"\0"))
                elif command == TERMINATE:
                    writer.write(frame(command | RESPONSE, sequence))
                    break
                self._notify()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self.writers.discard(writer)
            self._there = [one for one in self._there if one is not writer]
            if sending is not None:
                sending.cancel()
            writer.transport.abort()
            self._notify()

    def _log_in(self, writer: asyncio.StreamWriter, sequence: int, body: bytes) -> bool:
        source, proof, version, stamp = struct.unpack(">6s16sBI", body)
        self.logins.append((source.rstrip(b"\0").decode(), proof, version, stamp))
        right = hashlib.md5(source + bytes(9) + SECRET.encode() + b"%010d" % stamp).digest() == proof
        full = len(self._there) >= self.most_logins
        status = self.status or (0 if right else 3) or (9 if full else 0)
        if status == 0:
            self._there.append(writer)
        width = 1 if self.major == 2 else 4
        said = status.to_bytes(width, "big")
        mine = hashlib.md5(said + proof + SECRET.encode()).digest()
        writer.write(frame(CONNECT | RESPONSE, sequence, said + mine + bytes([self.major << 4])))
        return status == 0

    def _submitted(self, writer: asyncio.StreamWriter, sequence: int, body: bytes) -> None:
        self.submitted.append(body)
        self.sequences.append(sequence)
        result = self.answers_submit(body)
        if result is not None:
            writer.write(self._answer(len(self.submitted), sequence, result))

    def _answer(self, number: int, sequence: int, result: int) -> bytes:
        answer = struct.pack(">Q", FIRST + number) + result.to_bytes(1 if self.major == 2 else 4, "big")
        return frame(SUBMIT | RESPONSE, sequence, answer)

    def _may_try(self, msg_id: int, writer: asyncio.StreamWriter) -> bool:
        """Say whether it is this login's turn; a message that was tried too often is lost."""
        if not self.alternates:
            return True
        if self._tries[msg_id] >= self.repeats:
            self.lost.append(msg_id)
            del self.queued[msg_id]
            return False
        if self._there[self._turn % len(self._there)] is not writer:
            return False
        self._turn += 1
        self._tries[msg_id] += 1
        return True

    async def _send(self, writer: asyncio.StreamWriter, times: Counter[int], due: dict[int, float]) -> None:
        """Send in the window, each message again when its time is up; too often unanswered, and the link is closed."""
        clock = asyncio.get_running_loop().time
        with suppress(OSError):
            while True:
                for msg_id in list(islice(self.queued, self.window)):
                    if clock() < (self._due if self.alternates else due).get(msg_id, 0):
                        continue
                    if not self._may_try(msg_id, writer):
                        continue
                    if not self.alternates and times[msg_id] == self.repeats:
                        writer.close()
                        return
                    times[msg_id] += 1
                    due[msg_id] = self._due[msg_id] = clock() + self.repeat_seconds
                    self.sent[msg_id] += 1
                    writer.write(frame(DELIVER, msg_id & 0xFFFFFFFF, self.queued[msg_id]))
                await writer.drain()
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(self.repeat_seconds, 0.5)), self.changed:
                        await self.changed.wait()


async def _turns(number: int) -> None:
    """Let the loop go round."""
    for _ in range(number):
        await asyncio.sleep(0)
