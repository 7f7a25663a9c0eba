"""An IMAP server in memory, as far as the mailbox connector sees it through IMAPClient; `connect` is its client."""

import imaplib
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_NOBODY = os.open(os.devnull, os.O_RDONLY)

RECEIVED = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


@dataclass
class FakeFolder:
    uidvalidity: int = 7
    uidnext: int = 1
    mails: dict[int, bytes] = field(default_factory=dict)

    def put(self, raw: bytes) -> int:
        uid, self.uidnext = self.uidnext, self.uidnext + 1
        self.mails[uid] = raw
        return uid


@dataclass
class FakeServer:
    """What a test changes: mails, capabilities, and faults by the name of the client's method."""

    folders: dict[str, FakeFolder] = field(default_factory=lambda: {"INBOX": FakeFolder()})
    capabilities: set[str] = field(default_factory=lambda: {"IMAP4REV1", "ID", "IDLE"})
    faults: dict[str, Callable[..., Any]] = field(default_factory=dict)
    uids_a_line: int = 1_000_000
    size_of: Callable[[bytes], int] = len
    tells_uidnext: bool = True
    permanent_flags: tuple[bytes, ...] = (b"\\Seen", b"\\*")
    hidden: set[int] = field(default_factory=set)
    received: dict[int, datetime] = field(default_factory=dict)
    news: list[tuple[Any, ...]] = field(default_factory=list)
    calls: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    @property
    def inbox(self) -> FakeFolder:
        return self.folders["INBOX"]

    def put(self, raw: bytes, folder: str = "INBOX") -> int:
        uid = self.folders[folder].put(raw)
        self.news.append((len(self.folders[folder].mails), b"EXISTS"))
        return uid

    def fails(self, method: str, error: BaseException | type[BaseException], when: Callable[..., bool] | None = None):
        """Let a method raise, always or when its arguments say so."""

        def fault(*arguments: Any) -> None:
            if when is None or when(*arguments):
                raise error

        self.faults[method] = fault

    def connect(self, host: str, **options: Any) -> "FakeClient":
        self.record("connect", host)
        return FakeClient(self)

    def record(self, method: str, *arguments: Any) -> None:
        self.calls.append((method, arguments))
        if fault := self.faults.get(method):
            fault(*arguments)

    def called(self, method: str) -> list[tuple[Any, ...]]:
        return [arguments for name, arguments in self.calls if name == method]


class FakeClient:
    """The part of IMAPClient that the connector calls, with its shapes."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.folder: FakeFolder | None = None
        self.normalise_times = True

    def socket(self) -> "FakeClient":
        return self

    def fileno(self) -> int:
        return _NOBODY

    def begin_answer(self) -> None:
        """Nothing that it says is too long."""

    def has_capability(self, name: str) -> bool:
        return name in self.server.capabilities

    def starttls(self, context: Any) -> None:
        self.server.record("starttls")

    def id_(self, parameters: dict[str, str]) -> tuple[None]:
        self.server.record("id_", parameters)
        return (None,)

    def login(self, username: str, password: str) -> bytes:
        self.server.record("login", username)
        return b"LOGIN completed."

    def oauth2_login(self, username: str, token: str) -> bytes:
        self.server.record("oauth2_login", username, token)
        return b"AUTHENTICATE completed."

    def oauthbearer_login(self, username: str, token: str) -> bytes:
        self.server.record("oauthbearer_login", username, token)
        return b"AUTHENTICATE completed."

    def select_folder(self, name: str, readonly: bool = False) -> dict[bytes, Any]:
        self.server.record("select_folder", name, readonly)
        self.folder = self.server.folders.get(name)
        if self.folder is None:
            raise imaplib.IMAP4.error("select failed: Mailbox doesn't exist")
        self.server.news.clear()
        found: dict[bytes, Any] = {b"UIDVALIDITY": self.folder.uidvalidity, b"EXISTS": len(self.folder.mails)}
        found[b"PERMANENTFLAGS"] = self.server.permanent_flags
        return found | ({b"UIDNEXT": self.folder.uidnext} if self.server.tells_uidnext else {})

    def _raw_command_untagged(self, command: bytes, arguments: list[bytes]) -> list[bytes | None]:
        """Answer a UID SEARCH in as many lines as the server writes."""
        asked = arguments[1].decode()
        self.server.record("search", asked)
        uids = list(self._open.mails)
        first, _, last = asked.partition(":")
        highest = max(uids, default=0)
        ends = sorted(highest if end == "*" else int(end) for end in (first, last or first))
        hits = [b"%d" % uid for uid in uids if ends[0] <= uid <= ends[1]]
        step = self.server.uids_a_line
        return [b" ".join(hits[at : at + step]) for at in range(0, len(hits), step)] or [None]

    def fetch(self, uids: Sequence[int], items: list[str]) -> dict[int, dict[bytes, Any]]:
        self.server.record("fetch", tuple(uids), tuple(items))
        mails = self._open.mails
        return {
            uid: self._data(uid, mails[uid], items) for uid in uids if uid in mails and uid not in self.server.hidden
        }

    def folder_exists(self, name: str) -> bool:
        return name in self.server.folders

    def create_folder(self, name: str) -> None:
        self.server.record("create_folder", name)
        self.server.folders[name] = FakeFolder()

    def add_flags(self, uids: Sequence[int], flags: list[str], silent: bool = False) -> None:
        self.server.record("add_flags", tuple(uids), tuple(flags))

    def move(self, uids: Sequence[int], name: str) -> None:
        self.server.record("move", tuple(uids), name)
        for uid in uids:
            if uid in self._open.mails:
                self.server.folders[name].put(self._open.mails.pop(uid))

    def copy(self, uids: Sequence[int], name: str) -> None:
        self.server.record("copy", tuple(uids), name)
        for uid in uids:
            self.server.folders[name].put(self._open.mails[uid])

    def delete_messages(self, uids: Sequence[int], silent: bool = False) -> None:
        self.server.record("delete_messages", tuple(uids))

    def uid_expunge(self, uids: Sequence[int]) -> None:
        self.server.record("uid_expunge", tuple(uids))
        for uid in uids:
            self._open.mails.pop(uid, None)

    def noop(self) -> tuple[bytes, list[tuple[Any, ...]]]:
        self.server.record("noop")
        return b"NOOP completed.", self._take_news()

    def idle(self) -> None:
        self.server.record("idle")

    def idle_check(self, timeout: float) -> list[tuple[Any, ...]]:
        self.server.record("idle_check", timeout)
        end = time.monotonic() + timeout
        while not self.server.news and time.monotonic() < end:
            time.sleep(0.005)
        return self._take_news()

    def idle_done(self) -> tuple[bytes, list[Any]]:
        self.server.record("idle_done")
        return b"Idle completed.", []

    def shutdown(self) -> None:
        self.server.record("shutdown")

    @property
    def _open(self) -> FakeFolder:
        if self.folder is None:
            raise imaplib.IMAP4.error("No mailbox selected")
        return self.folder

    def _take_news(self) -> list[tuple[Any, ...]]:
        news, self.server.news = self.server.news, []
        return news

    def _data(self, uid: int, raw: bytes, items: list[str]) -> dict[bytes, Any]:
        data: dict[bytes, Any] = {
            b"INTERNALDATE": self.server.received.get(uid, RECEIVED),
            b"RFC822.SIZE": self.server.size_of(raw),
            b"BODY[HEADER.FIELDS (FROM)]": _from_fields(raw),
            b"BODY[]": raw,
        }
        for item in items:
            if part := re.fullmatch(r"BODY\.PEEK\[\]<(\d+)\.(\d+)>", item):
                offset, length = map(int, part.groups())
                data[f"BODY[]<{offset}>".encode()] = raw[offset : offset + length]
        return data


def _from_fields(raw: bytes) -> bytes:
    header = raw.partition(b"\r\n\r\n")[0] + b"\r\n"
    return b"".join(re.findall(rb"^From:.*\n(?:[ \t].*\n)*", header, re.MULTILINE)) + b"\r\n"
