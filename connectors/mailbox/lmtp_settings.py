"""What the operator says of the LMTP server."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.account import Jurisdiction

CHANNEL = "mailbox"

Address = Annotated[str, Field(pattern=r"^[^@\s]*@[^@\s]+$")]


class LmtpMailbox(BaseModel):
    """The mail of some addresses; `[lmtp.mailboxes.NAME]` in hotline.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipients: Annotated[
        list[Address],
        Field(min_length=1, description="Addresses; @12345.city.gov.cn stands for all of a domain. Others are refused"),
    ]
    jurisdiction: Jurisdiction = None


class LmtpSettings(BaseModel):
    """The server that a mail server (Postfix, Exim) hands mail over to; for the same machine or a private network."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Annotated[str, Field(min_length=1, description="Address to listen on; nobody logs in here")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen on")] = 19111
    mailboxes: Annotated[
        dict[Annotated[str, Field(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$")], LmtpMailbox],
        Field(description="Who gets mail, by an id of your own"),
    ] = {}
    connections_max: Annotated[int, Field(ge=1, le=1000, description="Connections at once; more are told 421")] = 20
    idle_timeout_seconds: Annotated[float, Field(gt=0, description="Limit for silence of the other side")] = 300
    publish_timeout_seconds: Annotated[
        float, Field(gt=0, le=60, description="After this long without Kafka's answer the journal takes the mail")
    ] = 10
    journal_folder: Annotated[
        Path | None, Field(description="Folder of the journal; in the data folder by default")
    ] = None
    journal_max_bytes: Annotated[
        int,
        Field(
            gt=0,
            description="With this much in the journal the other side is told 451; large mails have their own",
        ),
    ] = 1 << 30

    @model_validator(mode="after")
    def _each_address_once(self) -> "LmtpSettings":
        known: dict[str, str] = {}
        for name, mailbox in self.mailboxes.items():
            for address in mailbox.recipients:
                if known.setdefault(address.lower(), name) != name:
                    raise ValueError(f"{known[address.lower()]} and {name} have a recipient in common: remove one")
        return self
