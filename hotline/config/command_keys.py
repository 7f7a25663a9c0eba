"""Settings of the keys that sign commands."""

from typing import Annotated

from pydantic import AwareDatetime, Field, field_validator, model_validator

from connectors.base import Adcode
from connectors.http.signature import Secret
from schemas.records.command import KINDS
from schemas.settings_base import Section
from tickets.admission import PERSONAL, VOUCHED


class CommandKeySettings(Section):
    """One key that signs commands in Kafka: of one person, or of the receiver for the people of its back offices.

    To change it, add a second id with the same `author` or `systems` that sorts behind it, and remove the first later.
    """

    secret: Secret | None = Field(
        default=None,
        description="Shared secret (HMAC-SHA256), 32 bytes or more; on the host that signs and on those of `assign`",
    )
    author: str | None = Field(default=None, min_length=1, description="Kafka login of the person who signs with it")
    systems: frozenset[Annotated[str, Field(min_length=1)]] = Field(
        default=frozenset(),
        description="`system` of the back offices that it signs for; `console` for the console, `desk` for its desk",
    )
    kinds: frozenset[str] = Field(min_length=1, description="Kinds of commands that it may give or confirm")
    jurisdictions: frozenset[Adcode] = Field(min_length=1, description="行政区划代码 of the cities that it is for")

    @field_validator("kinds")
    @classmethod
    def _are_known(cls, kinds: frozenset[str]) -> frozenset[str]:
        if kinds - set(KINDS):
            raise ValueError(f"the kinds of commands are {', '.join(KINDS)}")
        return kinds

    @model_validator(mode="after")
    def _is_of_somebody(self) -> "CommandKeySettings":
        if (self.author is None) == (not self.systems):
            raise ValueError("set either `author`, the Kafka login of a person, or `systems`")
        if self.systems and (personal := self.kinds & (PERSONAL - VOUCHED)):
            raise ValueError(f"only the key of a person may give {', '.join(sorted(personal))}")
        return self


class CommandSettings(Section):
    """What `assign` admits beside signed commands."""

    unsigned_until: AwareDatetime | None = Field(
        default=None,
        description="While you upgrade: unsigned commands that Kafka took before this time are still carried out, "
        "but for those that take a person's key; with an offset",
    )
