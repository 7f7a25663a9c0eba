"""Settings of a gateway's webhook, and of its authentication."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, IPvAnyNetwork, SecretStr, model_validator

from connectors.base import Jurisdiction
from connectors.message_id import NamingKey
from schemas.settings_base import Section

Provider: TypeAlias = Literal["twilio", "aliyun", "tencent", "kannel"]

SIGNING: frozenset[Provider] = frozenset({"twilio"})
"""Gateways that sign their requests."""

PathSecret = Annotated[SecretStr, Field(min_length=16)]


class SmsHttpSettings(Section):
    """One account at a gateway (短信平台); `[connectors.sms_http.NAME]` in hotline.toml."""

    provider: Provider = Field(description="Whose webhook it is")
    path: str = Field(
        "/sms", pattern=r"^/[\w/.-]*$", description="Path of the callback's address (回调地址) on the receiver"
    )
    path_secrets: tuple[PathSecret, ...] = Field(
        (),
        description="Last segment of the callback's address, behind `path`, where the gateway signs nothing: 16 or "
        "more letters and digits that nobody can guess; the old and the new one while it is changed",
    )
    allowed_addresses: tuple[IPvAnyNetwork, ...] = Field(
        (), description="Addresses or networks that may call; needed for a gateway that signs nothing"
    )
    auth_tokens: tuple[Annotated[SecretStr, Field(min_length=1)], ...] = Field(
        (), description="Twilio: Auth Token; the primary and the secondary one while it is changed"
    )
    public_url: str | None = Field(
        None, pattern=r"^https?://", description="Twilio: the callback's address as it stands there; it is signed, too"
    )
    jurisdiction: Jurisdiction = None
    naming_key: NamingKey = None
    body_max_bytes: int = Field(1 << 20, gt=0, description="A greater body is refused while it comes in (413)")

    @model_validator(mode="after")
    def _knows_who_calls(self) -> "SmsHttpSettings":
        if self.provider in SIGNING:
            if not (self.auth_tokens and self.public_url):
                raise ValueError("auth_tokens or public_url is missing: the signature is checked with both")
            if self.path_secrets:
                raise ValueError("path_secrets is for gateways that sign nothing: leave it out")
        elif not (self.path_secrets and self.allowed_addresses):
            raise ValueError(f"path_secrets or allowed_addresses is missing: {self.provider} signs nothing, so it "
                             "is known by both")  # fmt: skip
        return self

    @property
    def route(self) -> str:
        """Return the path that the receiver serves; the connector checks the secret in it."""
        return f"{self.path.rstrip('/')}/{{secret}}" if self.path_secrets else self.path
