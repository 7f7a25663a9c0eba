"""What the operator says of one mailbox."""

import ssl
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from connectors.account import Jurisdiction
from connectors.tls import is_this_machine, verifying


class MailboxSettings(BaseModel):
    """One IMAP account; `[connectors.mailbox.NAME]` in hotline.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Annotated[str, Field(min_length=1, description="IMAP server")]
    port: Annotated[int | None, Field(ge=1, le=65535, description="Port; 993 for tls, else 143")] = None
    tls: Annotated[
        Literal["tls", "starttls", "none"], Field(description="Encryption; none is for a server on this machine")
    ] = "tls"
    ssl_cafile: Annotated[Path | None, Field(description="Certificates to trust instead of the system's")] = None
    username: Annotated[str, Field(min_length=1, description="Login name")]
    auth: Annotated[
        Literal["password", "xoauth2", "oauthbearer"],
        Field(description="How to log in; Microsoft 365 and Gmail want xoauth2"),
    ] = "password"
    password: Annotated[
        SecretStr | None,
        Field(
            min_length=1,
            validate_default=True,
            description="Password, or the authorisation code (授权码) of 163, QQ and others",
        ),
    ] = None
    token_file: Annotated[
        Path | None, Field(description="File with the OAuth access token, which somebody renews there")
    ] = None
    token_command: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...],
        Field(description="Program and arguments that print an OAuth access token, or a token endpoint's JSON answer"),
    ] = ()
    folders: Annotated[
        list[Annotated[str, Field(min_length=1)]],
        Field(min_length=1, description="Folders to read; the first one is watched by IDLE"),
    ] = ["INBOX"]
    processed: Annotated[
        Literal["keep", "flag", "move"],
        Field(description="What becomes of a mail on the server once it is safe; keep changes nothing there"),
    ] = "keep"
    processed_flag: Annotated[str, Field(pattern=r"^\$?[A-Za-z0-9_.-]+$", description="The flag of flag")] = "$Ingested"
    processed_folder: Annotated[
        str, Field(min_length=1, description="Where move puts mail; made when it is missing")
    ] = "已处理"
    failed_folder: Annotated[
        str | None,
        Field(min_length=1, description="Where move puts mail that became a dead letter; by default it stays"),
    ] = None
    jurisdiction: Jurisdiction = None
    idle: Annotated[bool, Field(description="Let the server announce new mail where it can (IDLE)")] = True
    idle_renew_seconds: Annotated[
        float, Field(gt=0, le=1500, description="IDLE is begun anew after this; finds dead connections")
    ] = 120
    poll_seconds: Annotated[
        float, Field(gt=0, description="Ask this often where IDLE is missing, and for every folder but the first")
    ] = 60
    connect_timeout_seconds: Annotated[float, Field(gt=0, description="Limit for a connection attempt")] = 15
    read_timeout_seconds: Annotated[float, Field(gt=0, description="Limit for silence of the server")] = 30
    mail_timeout_seconds: Annotated[float, Field(gt=0, description="Limit for one large mail, and for any command")] = (
        900
    )
    max_batch_messages: Annotated[int, Field(ge=1, le=5000, description="Mails moved at a time")] = 500
    max_batch_bytes: Annotated[int, Field(ge=1, description="Bytes moved at a time, and one large mail")] = 8 << 20
    max_attempts: Annotated[
        int, Field(ge=1, description="A mail that did not come so often while others did becomes a dead letter")
    ] = 5

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
        if self.tls == "none" and not is_this_machine(self.host):
            raise ValueError("a login needs tls = tls or starttls, except on this machine")
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
