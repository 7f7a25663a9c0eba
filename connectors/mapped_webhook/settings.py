"""Settings of a mapped webhook: its profile, and how its requests are authenticated."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, IPvAnyNetwork, PrivateAttr, SecretStr, model_validator

from connectors.base import Jurisdiction
from connectors.message_id import NamingKey
from schemas.settings_base import Section

LeastSecret = Annotated[SecretStr, Field(min_length=16)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]


class MappedWebhookSettings(Section):
    """One sender whose requests are read by a profile. Every authentication that is set must pass; one is needed."""

    profile: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_]{0,63}$",
        description="Profile of the sender: a shipped one, or `webhooks/NAME.toml` in the rules folder",
    )
    path: str = Field(pattern=r"^/[\w/.-]*$", description="Path of the webhook on the receiver")
    path_secrets: tuple[LeastSecret, ...] = Field(
        (), description="Secret last segment of the path, 16 or more letters and digits; the old and the new one"
    )
    secret_header: HeaderName = Field("X-Token", description="Header that holds one of `header_secrets`")
    header_secrets: tuple[LeastSecret, ...] = Field((), description="Secrets in the header `secret_header`")
    bearer_tokens: tuple[LeastSecret, ...] = Field((), description="Tokens in `Authorization: Bearer`")
    signature_keys: tuple[Annotated[SecretStr, Field(min_length=1)], ...] = Field(
        (), description="Keys of the signature that the profile describes: shared secrets, or public keys for RSA"
    )
    certificate_header: HeaderName = Field(
        "X-SSL-Client-Fingerprint",
        description="Header in which the reverse proxy names the client certificate; the proxy must overwrite it",
    )
    client_certificates: tuple[Annotated[str, Field(min_length=8)], ...] = Field(
        (), description="Values of `certificate_header` that are accepted (mTLS at the reverse proxy)"
    )
    allowed_addresses: tuple[IPvAnyNetwork, ...] = Field((), description="Addresses or networks that may call")
    timestamp_window_seconds: float = Field(
        300, gt=0, le=3600, description="How far a signed timestamp may be from the receiver's clock"
    )
    jurisdiction: Jurisdiction = None
    naming_key: NamingKey = None
    body_max_bytes: int = Field(1 << 20, gt=0, description="A greater body is refused while it comes in (413)")

    @model_validator(mode="after")
    def _is_authenticated(self) -> "MappedWebhookSettings":
        ways = (
            self.path_secrets, self.header_secrets, self.bearer_tokens, self.signature_keys, self.client_certificates,
            self.allowed_addresses,
        )  # fmt: skip
        if not any(ways):
            raise ValueError(
                "nothing authenticates the sender: set path_secrets, header_secrets, bearer_tokens, signature_keys, "
                "client_certificates or allowed_addresses"
            )
        return self

    _rules_folder: Path | None = PrivateAttr(None)

    @property
    def rules_folder(self) -> Path | None:
        """Return the city's rules folder, whose `webhooks/` holds its own profiles."""
        return self._rules_folder

    def under(self, rules_folder: Path | None) -> Self:
        """Return these settings with the city's rules folder, which is not a setting of an account."""
        copy = self.model_copy()
        copy._rules_folder = rules_folder
        return copy

    @property
    def route(self) -> str:
        """Return the path that the receiver serves."""
        return f"{self.path.rstrip('/')}/{{secret}}" if self.path_secrets else self.path


class SmsWebhookSettings(MappedWebhookSettings):
    """One SMS gateway (短信平台) read by a profile; `[connectors.sms_webhook.NAME]` in hotline.toml."""


class PhoneWebhookSettings(MappedWebhookSettings):
    """One call platform (呼叫平台) read by a profile; `[connectors.phone_webhook.NAME]` in hotline.toml."""

    platform: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9_.-]{0,31}$",
        description="Whose call ids these are: accounts of one platform share it; the account's name by default",
    )


class AppWebhookSettings(MappedWebhookSettings):
    """One app or mini programme read by a profile; `[connectors.app_webhook.NAME]` in hotline.toml."""
