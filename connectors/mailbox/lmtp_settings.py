"""What the operator says of the LMTP server."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from connectors.account import Jurisdiction
from schemas.settings_base import Section

CHANNEL = "mailbox"

Address = Annotated[str, Field(pattern=r"^[^@\s]*@[^@\s]+$")]


class LmtpMailbox(Section):
    """The mail of some addresses; `[lmtp.mailboxes.NAME]` in hotline.toml."""

    recipients: list[Address] = Field(
        min_length=1, description="Addresses; @12345.city.gov.cn stands for all of a domain. Others are refused"
    )
    jurisdiction: Jurisdiction = None


class LmtpSettings(Section):
    """The server that a mail server (Postfix, Exim) hands mail over to; for the same machine or a private network."""

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on; nobody logs in here")
    port: int = Field(19111, ge=0, le=65535, description="Port to listen on")
    mailboxes: dict[Annotated[str, Field(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$")], LmtpMailbox] = Field(
        {}, description="Who gets mail, by an id of your own"
    )
    connections_max: int = Field(20, ge=1, le=1000, description="Connections at once; more are told 421")
    idle_timeout_seconds: float = Field(300, gt=0, description="Limit for silence of the other side")
    publish_timeout_seconds: float = Field(
        10, gt=0, le=60, description="After this long without Kafka's answer the journal takes the mail"
    )
    journal_folder: Path | None = Field(None, description="Folder of the journal; in the data folder by default")
    journal_max_bytes: int = Field(
        1 << 30,
        gt=0,
        description="With this much in the journal the other side is told 451; large mails have their own",
    )

    @model_validator(mode="after")
    def _each_address_once(self) -> "LmtpSettings":
        known: dict[str, str] = {}
        for name, mailbox in self.mailboxes.items():
            for address in mailbox.recipients:
                if known.setdefault(address.lower(), name) != name:
                    raise ValueError(f"{known[address.lower()]} and {name} have a recipient in common: remove one")
        return self
