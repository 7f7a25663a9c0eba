"""Settings of an Asterisk: its manager interface, and the events to publish."""

import ssl
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from broker.tls import is_this_machine, verifying
from connectors.base import Jurisdiction, Zone
from connectors.message_id import NamingKey
from connectors.phone.settings import Platform
from schemas.settings_base import Section

Event = Literal["CEL", "Cdr", "Hangup", "UserEvent"]


class AsteriskSettings(Section):
    """One Asterisk; `[connectors.asterisk.NAME]` in hotline.toml, the account of manager.conf."""

    host: str = Field(min_length=1, description="Where the manager interface listens (manager.conf)")
    port: int = Field(5038, ge=1, le=65535, description="Its port; 5039 with TLS")
    tls: Literal["none", "tls"] = Field("none", description="`none` only on this machine, where a tunnel may end")
    ssl_cafile: Path | None = Field(None, description="Certificates to trust instead of the system's")
    username: str = Field(min_length=1, description="Section of manager.conf; `read = cdr,call,user` is enough")
    secret: SecretStr = Field(min_length=1, description="Its secret")
    events: frozenset[Event] = Field(
        frozenset({"CEL", "Cdr", "Hangup", "UserEvent"}), min_length=1, description="Which events are kept"
    )
    user_events: frozenset[Annotated[str, Field(min_length=1)]] = Field(
        frozenset(), description="Which UserEvents of the dial plan are kept, by name; all of them by default"
    )
    platform: Platform | None = Field(
        None, description="Whose call ids these are: accounts of one platform share it; the account's name by default"
    )
    naming_key: NamingKey = None
    jurisdiction: Jurisdiction = None
    timezone: Zone = Field("Asia/Shanghai", description="Zone of Asterisk's clock: its times have none")
    connect_timeout_seconds: float = Field(10, gt=0, description="How long to wait for the greeting and the login")
    ping_seconds: float = Field(15, gt=0, description="How often it is asked whether it lives")
    silence_seconds: float = Field(40, gt=0, description="After so long without a byte the connection is dead")
    frame_max_bytes: int = Field(1 << 20, ge=1024, description="A greater event is dropped and counted")

    @model_validator(mode="after")
    def _login_is_hidden(self) -> "AsteriskSettings":
        if self.tls == "none" and not is_this_machine(self.host):
            raise ValueError("a login needs tls = tls, except on this machine: a tunnel ends here, so name its own end")
        return self

    def tls_context(self) -> ssl.SSLContext | None:
        """Return a context that verifies the server, None without TLS; raises as `verifying` does."""
        return None if self.tls == "none" else verifying(self.ssl_cafile)
