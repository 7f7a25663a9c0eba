"""Settings of the console; it imports nothing heavy, because every command reads the settings."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, IPvAnyNetwork, SecretStr, model_validator

from schemas.settings_base import Section

Role = Literal["analyst", "clerk", "desk", "operator", "auditor"]

LEAST_KEY_BYTES = 32


def _long(key: SecretStr) -> SecretStr:
    if len(key.get_secret_value().encode()) < LEAST_KEY_BYTES:
        raise ValueError(f"the key is too short: give it {LEAST_KEY_BYTES} bytes or more")
    return key


SessionKey = Annotated[SecretStr, AfterValidator(_long)]


class OidcSettings(Section):
    """A provider of identities (OpenID Connect); the console is a confidential client with PKCE."""

    issuer: str = Field(pattern=r"^https?://", description="URL of the provider, without /.well-known")
    client_id: str = Field(min_length=1, description="Our id at the provider")
    client_secret: SecretStr = Field(min_length=1, description="Our secret at the provider")
    name_claim: str = Field("preferred_username", min_length=1, description="Claim with the person's account")
    groups_claim: str = Field("groups", min_length=1, description="Claim with the person's groups")
    cities_claim: str = Field(
        "cities", min_length=1, description="Claim with 行政区划代码 of the cities that the person may see"
    )
    scope: str = Field("openid profile", min_length=1, description="Scopes that are asked for")


class DeskSettings(Section):
    """The emergency desk (值守): the pages of the console and hand-overs in clear, in a process of its own."""

    enabled: bool = Field(False, description="Whether there is a component `console:desk`")
    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on; a proxy with TLS stands before it")
    port: int = Field(19181, ge=0, le=65535, description="Port to listen on")
    public_url: str | None = Field(
        None,
        pattern=r"^https?://[^/?#]+$",
        description="URL by which browsers reach it, such as https://desk.example.cn; `console.oidc` needs it",
    )


class ConsoleSettings(Section):
    """The console (控制台): pages for analysts, clerks and auditors. Masked tickets only."""

    enabled: bool = Field(False, description="Whether there is a component `console`")
    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on; a proxy with TLS stands before it")
    port: int = Field(19180, ge=0, le=65535, description="Port to listen on")
    trusted_proxies: tuple[IPvAnyNetwork, ...] = Field(
        (), description="Addresses or networks of the proxies whose X-Forwarded-For says who calls"
    )
    public_url: str | None = Field(
        None,
        pattern=r"^https?://[^/?#]+$",
        description="URL by which browsers reach it, such as https://console.example.cn; `oidc` needs it",
    )
    users_file: Path | None = Field(
        None, description="Local users, made by `hotline console user add`; in the data folder by default"
    )
    session_keys: dict[str, SessionKey] = Field(
        default_factory=dict,
        description="Keys of sessions by id, 32 bytes or more; the id that sorts last is the newest. "
        "By default a file in the data folder has one",
    )
    session_hours: int = Field(12, ge=1, le=24, description="A session ends so long after its sign-in")
    idle_minutes: int = Field(
        30,
        ge=1,
        description="A clerk's session ends earlier if it is not used for so long; a shift at the desk does not",
    )
    searches_max: int = Field(8, ge=1, description="Searches at once; more are told to wait")
    search_timeout_seconds: float = Field(5.0, gt=0, description="A search that takes longer is given up")
    desk: DeskSettings = Field(default_factory=DeskSettings, description="The emergency desk")
    oidc: OidcSettings | None = Field(None, description="Sign-in by a provider of identities")
    groups: dict[str, tuple[Role, ...]] = Field(
        default_factory=dict, description="Groups of the provider, and the roles that each has here"
    )

    @model_validator(mode="after")
    def _is_whole(self) -> "ConsoleSettings":
        if self.oidc is not None and self.public_url is None:
            raise ValueError("`console.oidc` needs `console.public_url`: the provider sends people back there")
        if self.oidc is not None and self.desk.enabled and self.desk.public_url is None:
            raise ValueError("`console.oidc` needs `console.desk.public_url`: the provider sends people back there")
        if self.oidc is not None and not self.groups:
            raise ValueError("`console.oidc` needs `console.groups`: without it nobody has a role")
        return self
