"""Settings of one mailbox."""

import ssl
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from broker.tls import is_this_machine, verifying
from connectors.base import Jurisdiction
from schemas.settings_base import Section


class MailboxSettings(Section):
    """One IMAP account; `[connectors.mailbox.NAME]` in hotline.toml."""

    host: str = Field(min_length=1, description="IMAP server")
    port: int | None = Field(None, ge=1, le=65535, description="Port; 993 for tls, else 143")
    tls: Literal["tls", "starttls", "none"] = Field(
        "tls", description="Encryption; none is for this machine, or where `private_line` is set"
    )
    private_line: bool = Field(
        False, description="The server is reached by a private line (专线) or a VPN, on which the login may go in clear"
    )
    ssl_cafile: Path | None = Field(None, description="Certificates to trust instead of the system's")
    username: str = Field(min_length=1, description="Login name")
    auth: Literal["password", "xoauth2", "oauthbearer"] = Field(
        "password", description="How to log in; Microsoft 365 and Gmail want xoauth2"
    )
    password: SecretStr | None = Field(
        None,
        min_length=1,
        validate_default=True,
        description="Password, or the authorisation code (授权码) of 163, QQ and others",
    )
    token_file: Path | None = Field(None, description="File with the OAuth access token, which somebody renews there")
    token_command: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), description="Program and arguments that print an OAuth access token, or a token endpoint's JSON answer"
    )
    folders: list[Annotated[str, Field(min_length=1)]] = Field(
        ["INBOX"], min_length=1, description="Folders to read; the first one is watched by IDLE"
    )
    processed: Literal["keep", "flag", "move"] = Field(
        "keep", description="What becomes of a mail on the server once it is safe; keep changes nothing there"
    )
    processed_flag: str = Field("$Ingested", pattern=r"^\$?[A-Za-z0-9_.-]+$", description="The flag of flag")
    processed_folder: str = Field("已处理", min_length=1, description="Where move puts mail; made when it is missing")
    failed_folder: str | None = Field(
        None, min_length=1, description="Where move puts mail that became a dead letter; by default it stays"
    )
    jurisdiction: Jurisdiction = None
    idle: bool = Field(True, description="Let the server announce new mail where it can (IDLE)")
    idle_renew_seconds: float = Field(
        120, gt=0, le=1500, description="IDLE is begun anew after this; finds dead connections"
    )
    poll_seconds: float = Field(
        60, gt=0, description="Ask this often where IDLE is missing, and for every folder but the first"
    )
    connect_timeout_seconds: float = Field(15, gt=0, description="Limit for a connection attempt")
    read_timeout_seconds: float = Field(30, gt=0, description="Limit for silence of the server")
    mail_timeout_seconds: float = Field(900, gt=0, description="Limit for one large mail, and for any command")
    max_batch_messages: int = Field(500, ge=1, le=5000, description="Mails moved at a time")
    max_batch_bytes: int = Field(8 << 20, ge=1, description="Bytes moved at a time, and one large mail")
    max_attempts: int = Field(
        5, ge=1, description="A mail that did not come so often while others did becomes a dead letter"
    )

    @field_validator("password")
    @classmethod
    def _password_is_there(cls, password: SecretStr | None, known: ValidationInfo) -> SecretStr | None:
        if password is None and known.data.get("auth") == "password":
            raise PydanticCustomError("missing", "Field required")
        return password

    @model_validator(mode="after")
    def _one_token(self) -> "MailboxSettings":
        if self.auth != "password" and (self.token_file is None) == (not self.token_command):
            raise ValueError(f"auth = {self.auth} needs either token_file or token_command")
        return self

    @model_validator(mode="after")
    def _login_is_hidden(self) -> "MailboxSettings":
        if self.tls == "none" and not self.private_line and not is_this_machine(self.host):
            raise ValueError(
                "the login would go in clear: set tls = tls or starttls, or private_line = true on a private line"
            )
        return self

    @model_validator(mode="after")
    def _no_circle(self) -> "MailboxSettings":
        if self.processed == "move" and {self.processed_folder, self.failed_folder} & set(self.folders):
            raise ValueError(
                "mail is moved into a folder that is read: change processed_folder, failed_folder or folders"
            )
        return self

    def tls_context(self) -> ssl.SSLContext:
        """Return a context that verifies the server; raises as `verifying` does."""
        return verifying(self.ssl_cafile)


# Settings of the LMTP server.

CHANNEL = "mailbox"

Address = Annotated[str, Field(pattern=r"^[^@\s]*@[^@\s]+$")]


class LmtpMailbox(Section):
    """Mail of some addresses; `[lmtp.mailboxes.NAME]` in hotline.toml."""

    recipients: list[Address] = Field(
        min_length=1, description="Addresses; @12345.city.gov.cn stands for all of a domain. Others are refused"
    )
    jurisdiction: Jurisdiction = None


class LmtpSettings(Section):
    """LMTP server for a mail server (Postfix, Exim) on the same machine or a private network."""

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
