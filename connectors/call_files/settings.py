"""Settings of folders with call records: place and format."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from connectors.base import Jurisdiction, Zone
from connectors.message_id import NamingKey
from connectors.phone.settings import Platform
from schemas.settings_base import Section


class CallFilesSettings(Section):
    """One folder of call files; `[connectors.call_files.NAME]` in hotline.toml."""

    folder: Path = Field(description="Folder that holds the files; nothing in it is changed or deleted")
    pattern: str = Field(
        "*.csv", min_length=1, description="Which files, such as `*.csv`, or `Master.csv*` when growing"
    )
    shape: Literal["calls", "asterisk"] = Field(
        "calls", description="`calls`: a heading line, then a call a line; `asterisk`: cdr-csv/Master.csv"
    )
    growing: bool = Field(
        False, description="The file is written to all day and rotated, as Master.csv; whole lines are read at once"
    )
    platform: Platform | None = Field(
        None, description="Whose call ids these are: accounts of one platform share it; the account's name by default"
    )
    naming_key: NamingKey = None
    jurisdiction: Jurisdiction = None
    timezone: Zone = Field("Asia/Shanghai", description="Zone of times that are written without one")
    recordings: Path | None = Field(
        None, description="Folder below which recordings lie: their size is noted, their bytes are never read"
    )
    settle_seconds: float = Field(
        5, ge=0, description="A file that is uploaded is read when its size and time stood still for so long"
    )
    poll_seconds: float = Field(5, gt=0, description="How often the folder is looked at")
    max_batch_rows: int = Field(500, gt=0, description="Lines of one batch")
    row_max_bytes: int = Field(1 << 20, ge=1024, description="A longer line is a dead letter")

    @model_validator(mode="after")
    def _rotated_names_fit(self) -> "CallFilesSettings":
        if self.growing and not self.pattern.endswith("*"):
            raise ValueError(
                "a growing file is renamed when it is rotated, and pattern does not fit its new name, such as "
                "Master.csv.1: let pattern end with *"
            )
        return self
