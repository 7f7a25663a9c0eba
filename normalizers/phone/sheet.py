"""Call records as lines of a CSV file: the heading line of the file, then the line itself."""

import csv
import io
from collections.abc import Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from normalizers.phone import cdr, values
from normalizers.phone.ami import REVISIONS
from normalizers.phone.draft import Told
from schemas.errors import MalformedError
from schemas.records import Recording

FIELD_MAX = 1 << 20
"""Characters of one field; a quotation mark that is never closed reads a file to its end."""

MOST_LINES = 3
"""A record has a heading line and one below it: a third line refutes it, and no more are read."""

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "通话标识": "call_id", "通话id": "call_id", "呼叫标识": "call_id", "流水号": "call_id", "修订号": "revision",
        "通话方向": "direction", "呼叫方向": "direction", "来电号码": "caller", "主叫号码": "caller", "主叫": "caller",
        "被叫号码": "callee", "被叫": "callee", "来电人": "caller_name", "诉求人": "caller_name",
        "来电时间": "started_at", "开始时间": "started_at", "接通时间": "answered_at", "挂机时间": "ended_at",
        "结束时间": "ended_at", "通话结果": "disposition", "坐席": "agent", "坐席工号": "agent", "工号": "agent",
        "诉求标题": "subject", "标题": "subject", "诉求内容": "note", "坐席记录": "note", "通话记录": "note",
        "备注": "note", "通话转写": "transcript", "转写文本": "transcript", "录音": "recording",
        "录音文件": "recording", "录音位置": "recording", "诉求类型": "request_kind", "事项分类": "category",
        "事发地址": "place", "工单编号": "ticket_no", "热线号码": "hotline_code",
    }
)  # fmt: skip
"""Headings of call centres; those of our own JSON shape are understood as well."""

_TEXTS = ("caller", "callee", "caller_name", "subject", "note", "transcript")
_KNOWN = frozenset(
    {*_TEXTS, *values.TIMES, *values.SAID, "call_id", "revision", "direction", "disposition", "agent", "recording"}
)


def decoded(data: bytes) -> str:
    """Return text in UTF-8, with or without a byte order mark, else in GB18030; a NUL is dropped."""
    data = data.replace(b"\0", b"")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")


def lines(data: bytes, *, strict: bool = False) -> list[list[str]]:
    """Return the fields of each line, of three at most; an open quotation mark is accepted unless `strict`.

    Raises MalformedError for text that the csv module cannot read.
    """
    csv.field_size_limit(FIELD_MAX)
    try:
        rows = csv.reader(io.StringIO(decoded(data), newline=""), strict=strict)
        return list(islice(filter(None, rows), MOST_LINES))
    except csv.Error as error:
        raise MalformedError("a line that is not CSV: check how the file is written") from error


def named(headings: list[str]) -> list[str]:
    """Return the fields' names by a heading line."""
    return [HEADINGS.get(one.strip().lower(), one.strip()) for one in headings]


def row_of(data: bytes) -> dict[str, str]:
    """Return a line by its headings. Raises MalformedError when it has no call id."""
    both = lines(data)
    if len(both) != 2:
        raise MalformedError("a line of a call file that is truncated, or has an open quotation mark")
    row = dict(zip(named(both[0]), both[1], strict=False))
    if not row.get("call_id", "").strip():
        raise MalformedError("a line of a call file without call_id (通话标识): check the headings of the file")
    return row


def read(value: bytes, zone: ZoneInfo) -> Told:
    """Return the record of a line under its heading line. Raises as `row_of` does."""
    row = row_of(value)
    texts: dict[str, Any] = {name: row.get(name, "") for name in _TEXTS}
    times: dict[str, Any] = {name: values.time_of(row.get(name), zone) for name in values.TIMES}
    findings = values.findings_of({name: row.get(name, "") for name in values.SAID})
    disposition = values.disposition_of(row.get("disposition", ""))
    found = values.told_by(findings)
    unread = _KNOWN - {*values.SAID, *(name for name, at in times.items() if at is None)}
    rest = {name: text for name, text in row.items() if text.strip() and name not in unread}
    return Told(
        call_id=row["call_id"].strip(),
        revision=values.revision_of(row.get("revision")),
        direction=values.direction_of(row.get("direction", "")),
        **texts,
        **times,
        disposition=disposition,
        agent=row.get("agent", "").strip() or None,
        recordings=(Recording(reference=row["recording"].strip()),) if row.get("recording", "").strip() else (),
        findings=findings,
        extra={name: text for name, text in rest.items() if name not in found},
    )


def asterisk(value: bytes, zone: ZoneInfo) -> Told:
    """Return the record of a line of Master.csv. Raises MalformedError."""
    found = lines(value, strict=True)
    if len(found) != 1:
        raise MalformedError("a line of a CDR file that is truncated, or has an open quotation mark")
    return cdr.told(cdr.of_fields(found[0]), zone, REVISIONS["Cdr"])
