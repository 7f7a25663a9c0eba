"""Asterisk's manager interface (AMI): one event, the lines of a frame as they came."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from normalizers.phone import cdr, values
from normalizers.phone.draft import Told
from schemas.errors import MalformedError, UnsupportedError
from schemas.records import Recording

REVISIONS: Mapping[str, int] = {"CEL": 1, "Hangup": 2, "Cdr": 3, "UserEvent": 4}
"""Facts of the channel first, the record behind them; what the dial plan or an agent's desk says counts most."""

_CHANNEL_ONLY = frozenset(
    {
        "event", "privilege", "channel", "channelstate", "channelstatedesc", "calleridnum", "calleridname",
        "connectedlinenum", "connectedlinename", "language", "accountcode", "context", "exten", "priority", "uniqueid",
        "linkedid", "userevent", "actionid", "timestamp", "systemname", "sequencenumber", "file", "line", "func",
    }
)  # fmt: skip
"""Headers that every event of a channel has."""


class Frame(dict[str, str]):
    """An event's headers by lower-case name: Asterisk spells UniqueID and Uniqueid. Of a repeated one the first."""

    def word(self, name: str) -> str:
        """Return a header without blanks around it, "" when it is absent."""
        return self.get(name, "").strip()

    @property
    def event(self) -> str:
        """Return the event's name."""
        return self.word("event")

    @property
    def call_id(self) -> str:
        """Return what the legs of one call share, else the leg's own id."""
        return self.word("linkedid") or self.word("uniqueid")


def parse(frame: bytes) -> Frame:
    """Return the headers of a frame. Text is UTF-8, else Latin-1, which fits any bytes; a NUL is dropped."""
    frame = frame.replace(b"\0", b"")
    try:
        text = frame.decode()
    except UnicodeDecodeError:
        text = frame.decode("latin-1")
    headers = Frame()
    for line in text.replace("\r\n", "\n").split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), value.removeprefix(" "))
    return headers


def read(value: bytes, zone: ZoneInfo) -> Told:
    """Return what an event says of its call. Raises RecordError."""
    frame = parse(value)
    if frame.event not in REVISIONS:
        raise UnsupportedError("an AMI event that does not describe a call: only CEL, Cdr, Hangup, UserEvent are kept")
    if not frame.call_id:
        raise MalformedError(
            "an AMI event without Linkedid and Uniqueid: it is truncated, or does not belong to a call"
        )
    if frame.event == "Cdr":
        return cdr.told(as_row(frame), zone, REVISIONS["Cdr"])
    at, name = values.time_of(frame.word("eventtime"), zone), frame.word("eventname")
    said: dict[str, Any] = {
        "call_id": frame.call_id,
        "revision": REVISIONS[frame.event],
        "caller": values.number_of(frame.word("caller") or frame.word("calleridnum")),
        "callee": values.number_of(frame.word("exten")),
    }
    if frame.event == "UserEvent":
        return Told(**said, **_words(frame))
    if frame.event == "Hangup":
        cause = " ".join(filter(None, (frame.word("cause"), frame.word("cause-txt"))))
        return Told(**said, extra={"event": "Hangup", "cause": cause})
    return Told(
        **said,
        started_at=at if name == "CHAN_START" else None,
        answered_at=at if name == "ANSWER" else None,
        ended_at=at if name in ("LINKEDID_END", "HANGUP", "CHAN_END") else None,
        extra={"event": f"CEL {name}"},
    )


def _words(frame: Frame) -> dict[str, Any]:
    r"""Return what UserEvent() in the dial plan, or an agent's desk, adds: Note, Transcript, Agent, Recording.

    AMI has one line a header, so `\n` in a value stands for a line break.
    """
    texts = {name: frame.get(name, "").replace("\\n", "\n") for name in ("note", "transcript", "subject")}
    said = {name: frame.get(name, "") for name in ("request_kind", "category", "place", "ticket_no")}
    findings = values.findings_of(said)
    used = {*texts, *_CHANNEL_ONLY, "agent", "recording", "caller", *values.told_by(findings)}
    further = {name: value for name, value in frame.items() if name not in used and value}
    return {
        **texts,
        "agent": frame.word("agent") or None,
        "recordings": (Recording(reference=frame.word("recording")),) if frame.word("recording") else (),
        "findings": findings,
        "extra": {"event": f"UserEvent {frame.word('userevent')}", **further},
    }


def as_row(frame: Frame) -> dict[str, str]:
    """Return a Cdr event under the names of the CSV file's columns."""
    return {column: frame.get(header, "") for header, column in _COLUMNS.items() if frame.get(header)}


_COLUMNS: Mapping[str, str] = {
    "source": "src", "destination": "dst", "destinationcontext": "dcontext", "callerid": "clid", "channel": "channel",
    "destinationchannel": "dstchannel", "lastapplication": "lastapp", "lastdata": "lastdata", "starttime": "start",
    "answertime": "answer", "endtime": "end", "duration": "duration", "billableseconds": "billsec",
    "disposition": "disposition", "uniqueid": "uniqueid", "userfield": "userfield", "linkedid": "linkedid",
    "sequence": "sequence",
}  # fmt: skip
"""Linkedid and Sequence come where cdr_manager.conf maps them."""
