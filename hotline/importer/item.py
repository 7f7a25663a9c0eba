"""One message of a file that is imported, or the fault that stands in its place."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Literal

from msgspec import Struct
from pydantic import SecretStr

from hotline.importer.columns import Columns, Plan
from schemas.errors import PipelineError, RecordError


class Item(Struct, frozen=True, kw_only=True):
    """The bytes of one record or mail, its natural id, and what the file says of it.

    `place` names the file for people, `line` is where the message begins in it, None where it is the whole file.
    `folder` holds the attachments that a record names; `time` is when it was sent as the file says, None without.
    """

    place: str
    line: int | None = None
    channel: Literal["record", "mailbox"] = "record"
    data: bytes = b""
    identifier: str = ""
    time: datetime | None = None
    folder: Path = Path()
    fault: PipelineError | None = None

    @property
    def code(self) -> str | None:
        """Return the code of the fault, None without one."""
        return getattr(self.fault, "code", RecordError.code) if self.fault else None


class Options(Struct, frozen=True, kw_only=True):
    """What the operator says of the files; None is found out from each file.

    `heard` is told how the columns of a file are understood: its name, the plan, encoding and delimiter or sheet.
    """

    columns: Columns
    channel: str | None = None
    sheet: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    naming_key: SecretStr | None = None
    heard: Callable[[str, Plan, str], None] = lambda _, __, ___: None
