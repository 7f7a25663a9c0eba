"""Asterisk's call detail record (话单): a line of cdr-csv/Master.csv, or the same as an AMI event."""

import hashlib
import re
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from normalizers.phone import values
from normalizers.phone.draft import Told
from schemas.errors import MalformedError

COLUMNS = (
    "accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata", "start", "answer",
    "end", "duration", "billsec", "disposition", "amaflags", "uniqueid", "userfield", "peeraccount", "linkedid",
    "sequence",
)  # fmt: skip
"""In the order of the file, with `loguniqueid`, `loguserfield` and `newcdrcolumns` of cdr.conf switched on."""

WIDTHS = (17, 18, len(COLUMNS))
"""How many fields a line has, by what is switched on; any other line lost a quotation mark, and names another call."""

_CALLER_ID = re.compile(r'\s*"(?P<name>.*)"\s*<(?P<number>[^>]*)>\s*', re.DOTALL)
_KEY = ("uniqueid", "channel", "dstchannel", "lastapp", "duration", "billsec", "disposition")


def of_fields(fields: list[str]) -> dict[str, str]:
    """Return a line's fields by column. Raises MalformedError for a line of another width."""
    if len(fields) not in WIDTHS:
        raise MalformedError("a line of a CDR file of a different width: set loguniqueid and newcdrcolumns in cdr.conf")
    return dict(zip(COLUMNS, fields, strict=False))


def call_id(row: Mapping[str, str]) -> str:
    """Return what the legs of one call share, else the leg's own id."""
    return row.get("linkedid", "").strip() or row.get("uniqueid", "").strip()


def key(row: Mapping[str, str]) -> str:
    """Return what tells one record of a call from its others, the same in the file and in the event."""
    sequence = row.get("sequence", "").strip()
    if sequence:
        return f"{row.get('uniqueid', '').strip()}-{sequence}"
    told = "\n".join(row.get(name, "").strip() for name in _KEY)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def told(row: Mapping[str, str], zone: ZoneInfo, revision: int) -> Told:
    """Return what a record says. Raises MalformedError when it names no call."""
    if not call_id(row):
        raise MalformedError("a call detail record without uniqueid: set loguniqueid = yes in cdr.conf")
    named = _CALLER_ID.fullmatch(row.get("clid", ""))
    name = named["name"].strip() if named else ""
    kept = ("dcontext", "channel", "dstchannel", "lastapp", "duration", "billsec", "userfield", "uniqueid", "sequence")
    return Told(
        call_id=call_id(row),
        revision=revision,
        caller=values.number_of(row.get("src", "")),
        caller_name=name if name and name != values.number_of(row.get("src", "")) else None,
        callee=values.number_of(row.get("dst", "")),
        started_at=values.time_of(row.get("start"), zone),
        answered_at=values.time_of(row.get("answer"), zone),
        ended_at=values.time_of(row.get("end"), zone),
        disposition=values.disposition_of(row.get("disposition", "")),
        extra={name: row[name] for name in kept if row.get(name, "").strip()},
    )
