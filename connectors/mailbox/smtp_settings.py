"""What the operator says of the server through which a mailbox answers."""

import ssl
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from connectors.tls import is_this_machine, verifying

Address = Annotated[str, Field(pattern=r"^[^\s@<>,;:()\"+]+@[^\s@<>,;:()\"]+$")]


class SmtpSettings(BaseModel):
    """The server through which a mailbox's receipts leave."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Annotated[str, Field(min_length=1, description="SMTP server")]
    port: Annotated[int | None, Field(ge=1, le=65535, description="Port; 465 for tls, 587 for starttls, else 25")] = (
        None
    )
    tls: Annotated[
        Literal["tls", "starttls", "none"], Field(description="Encryption; none is for a relay on this machine")
    ] = "tls"
    ssl_cafile: Annotated[Path | None, Field(description="Certificates to trust instead of the system's")] = None
    username: Annotated[str | None, Field(min_length=1, description="Login name, where the server wants one")] = None
    password: Annotated[
        SecretStr | None, Field(min_length=1, description="Password, or the authorisation code (授权码)")
    ] = None
    from_address: Annotated[Address, Field(description="Address that the receipts come from: the mailbox's own")]
    from_name: Annotated[
        str, Field(min_length=1, max_length=100, pattern=r"^[^\r\n]*$", description="Display name beside it")
    ] = "12345政务服务便民热线"
    plus_addressing: Annotated[
        bool, Field(description="Answers may go to name+token@domain: the token stands in Reply-To as well")
    ] = False
    null_return_path: Annotated[
        bool,
        Field(
            description="Send with MAIL FROM:<>, so that nothing bounces back (RFC 3834). Many providers refuse it; "
            "then bounces come to the mailbox, where they make no ticket"
        ),
    ] = False
    timeout_seconds: Annotated[float, Field(gt=0, le=300, description="Limit for a whole answer of the server")] = 30.0

    @model_validator(mode="after")
    def _login_is_whole(self) -> "SmtpSettings":
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together: set both or none")
        if self.username is not None and self.tls == "none" and not is_this_machine(self.host):
            raise ValueError("a password needs tls = tls or starttls, except on this machine")
        return self

    def tls_context(self) -> ssl.SSLContext:
        """Return a context that verifies the server; raises as `verifying` does."""
        return verifying(self.ssl_cafile)
