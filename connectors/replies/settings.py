"""Settings of the receipts of one account, `[answers.ID]`, and of the server through which a mailbox sends them."""

import ssl
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from broker.tls import is_this_machine, verifying
from connectors.replies.base import AT_ONCE_MOST
from schemas.settings_base import Section

SenderAddress = Annotated[str, Field(pattern=r"^[^\s@<>,;:()\"+]+@[^\s@<>,;:()\"]+$")]


class SmtpSettings(Section):
    """Server through which a mailbox's receipts are sent."""

    host: str = Field(min_length=1, description="SMTP server")
    port: int | None = Field(None, ge=1, le=65535, description="Port; 465 for tls, 587 for starttls, else 25")
    tls: Literal["tls", "starttls", "none"] = Field(
        "tls", description="Encryption; none is for this machine, or where `private_line` is set"
    )
    private_line: bool = Field(
        False,
        description="The server is reached by a private line (专线) or a VPN, on which a password may go in clear",
    )
    ssl_cafile: Path | None = Field(None, description="Certificates to trust instead of the system's")
    username: str | None = Field(None, min_length=1, description="Login name, where the server wants one")
    password: SecretStr | None = Field(None, min_length=1, description="Password, or the authorisation code (授权码)")
    from_address: SenderAddress = Field(description="Address that the receipts come from: the mailbox's own")
    from_name: str = Field(
        "12345政务服务便民热线",
        min_length=1,
        max_length=100,
        pattern=r"^[^\r\n]*$",
        description="Display name beside it",
    )
    plus_addressing: bool = Field(
        False, description="Answers may go to name+token@domain: the token stands in Reply-To as well"
    )
    null_return_path: bool = Field(
        False,
        description="Send with MAIL FROM:<>, so that nothing bounces back (RFC 3834). Many providers refuse it; "
        "then bounces come to the mailbox, where they make no ticket",
    )
    timeout_seconds: float = Field(30.0, gt=0, le=300, description="Limit for a whole answer of the server")

    @model_validator(mode="after")
    def _login_is_whole(self) -> "SmtpSettings":
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together: set both or none")
        in_clear = self.tls == "none" and not self.private_line and not is_this_machine(self.host)
        if self.username is not None and in_clear:
            raise ValueError(
                "the password would go in clear: set tls = tls or starttls, or private_line = true on a private line"
            )
        return self

    def tls_context(self) -> ssl.SSLContext:
        """Return a context that verifies the server; raises as `verifying` does."""
        return verifying(self.ssl_cafile)


class AnswerSettings(Section):
    """Receipts (回执) of one account; without this table the account sends none."""

    enabled: bool = Field(True, description="Whether new tickets of this account get a receipt")
    max_age_hours: float = Field(
        24.0, gt=0, le=72, description="What a citizen wrote longer ago gets no receipt any more"
    )
    per_minute: int = Field(
        60, ge=1, le=6000, description="Receipts of this account a minute; the others wait, emergencies do not"
    )
    per_recipient_a_day: int = Field(
        5, ge=1, le=100, description="Receipts to one address or number in 24 hours; further ones are not sent"
    )
    at_once: int | None = Field(
        None,
        ge=1,
        le=AT_ONCE_MOST,
        description="Answers of this account on their way at a time, to as many citizens; the last of several is "
        "kept for emergencies. By default what the service bears: mailbox 4, CMPP and SMPP 8, WeChat and WeCom 4, "
        "Weibo 3",
    )
    smtp: SmtpSettings | None = Field(None, description="How mail leaves; a mailbox needs it")
