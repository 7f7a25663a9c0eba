"""Permissions of one key of a back office."""

from pydantic import Field, field_validator

from connectors.base import Adcode
from connectors.http.signature import Secret
from schemas.records.command import KINDS
from schemas.settings_base import Section
from tickets.admission import PERSONAL

PATH = "/commands"
"""Path on the receiver."""


class BackOfficeSettings(Section):
    """One key for `POST /commands` on the receiver; to rotate it, add a second one and remove the first later."""

    secret: Secret = Field(description="Shared secret of the signature (HMAC-SHA256), 32 bytes or more")
    system: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_.-]{0,19}$",
        description="Name of the system, the same for its old and new key; it stands before its command_ids",
    )
    kinds: frozenset[str] = Field(min_length=1, description="Kinds of commands that it may give")
    jurisdictions: frozenset[Adcode] = Field(min_length=1, description="行政区划代码 of the cities that it works for")
    timestamp_window_seconds: float = Field(
        300, gt=0, le=3600, description="How far a request's timestamp may be from our clock"
    )

    @field_validator("kinds")
    @classmethod
    def _are_known(cls, kinds: frozenset[str]) -> frozenset[str]:
        if kinds - set(KINDS):
            raise ValueError(f"the kinds of commands are {', '.join(KINDS)}")
        if kinds & PERSONAL:
            raise ValueError(f"{', '.join(sorted(kinds & PERSONAL))}: given by two persons with `hotline`, never here")
        return kinds
