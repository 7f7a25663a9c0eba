"""Attachments of neutral records: files beside the list that names them, put into the record as base64."""

import base64
from pathlib import Path
from typing import Any

import msgspec

from normalizers import record
from schemas.errors import RecordError
from schemas.records.raw import SIZE_LIMIT


def with_files(line: bytes, folder: Path) -> bytes:
    """Return the record with the bytes of its attachments; without a file that can be read, the line as it is.

    A path leads to files of `folder` only: a list of records is somebody else's text.
    """
    if b"attachments" not in line:
        return line
    try:
        fields = record.parse(line)
    except RecordError:
        return line
    attachments = fields.get("attachments")
    if not isinstance(attachments, list):
        return line
    filled = [_filled(one, folder) for one in attachments]
    return line if filled == attachments else msgspec.json.encode({**fields, "attachments": filled})


def _filled(attachment: Any, folder: Path) -> Any:
    if not isinstance(attachment, dict) or "data" in attachment or not isinstance(attachment.get("path"), str):
        return attachment
    data = _read(folder, attachment["path"])
    return attachment if data is None else {**attachment, "data": base64.b64encode(data).decode()}


def _read(folder: Path, name: str) -> bytes | None:
    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.is_file() or path.stat().st_size > SIZE_LIMIT:
            return None
        return path.read_bytes()
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None
