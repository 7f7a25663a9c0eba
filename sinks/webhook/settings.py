"""Settings of a webhook subscriber: where to, signed with what, which tickets in which form, tried how long."""

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, AwareDatetime, Field, SecretStr, model_validator

from schemas import enums, topics
from schemas.ids import ADCODE
from schemas.settings_base import Section
from sinks.webhook.ssrf import host_of, is_disguised, is_loopback, literal, refusal

SECRET_PREFIX = "whsec_"  # noqa: S105 - how Standard Webhooks marks a secret, no secret itself

_LEAST_SECRET_BYTES = 24
"""As Standard Webhooks asks; its most, 64 bytes, is the block of HMAC-SHA256."""

_MOST_SECRET_BYTES = 64

if TYPE_CHECKING:
    Kind: TypeAlias = str
    Channel: TypeAlias = str
    Level: TypeAlias = str
    Secrecy: TypeAlias = str
else:  # whatever is written today: a new word needs no line here
    Kind, Channel = Literal[*enums.REQUEST_KINDS], Literal[*enums.CHANNELS]
    Level, Secrecy = Literal[*enums.EMERGENCY_LEVELS], Literal[*enums.CONFIDENTIALITY]


def key_of(secret: str) -> bytes:
    """Return the key of a secret, which is base64, with or without `whsec_`. Raises ValueError if it is invalid."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:  # binascii.Error, or no ASCII
        key = b""
    if not _LEAST_SECRET_BYTES <= len(key) <= _MOST_SECRET_BYTES:
        raise ValueError("a secret is whsec_ and the base64 of 24 to 64 random bytes: `openssl rand -base64 32`")
    return key


def _usable(secret: SecretStr) -> SecretStr:
    key_of(secret.get_secret_value())
    return secret


Secret = Annotated[SecretStr, AfterValidator(_usable)]


def _endpoint(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.fragment:
        raise ValueError("it must be https://host/path, without user and fragment: put a login in `authorization`")
    try:
        host = host_of(url)
    except ValueError as error:
        raise ValueError("its host cannot be read: write a name, or an address such as 10.0.0.7") from error
    if is_disguised(host):
        raise ValueError("it names an address in an odd form: write it as four numbers, such as 10.0.0.7")
    return url


Endpoint = Annotated[str, AfterValidator(_endpoint)]
Adcode = Annotated[str, Field(pattern=ADCODE)]
Word = Annotated[str, Field(min_length=1)]


class FilterSettings(Section):
    """Which tickets a subscriber gets; an empty list lets all through. Erased tickets pass whatever kind they had."""

    jurisdictions: tuple[Adcode, ...] = Field((), description="行政区划代码 of the cities")
    kinds: tuple[Kind, ...] = Field((), description="诉求类型; `unknown` where none is known yet")
    categories: tuple[Word, ...] = Field(
        (), description="Codes of 事项分类; a code stands for all below it as well, by the scheme's levels"
    )
    statuses: tuple[Word, ...] = Field((), description="办理状态, such as dispatched")
    emergency_levels: tuple[Level, ...] = Field(
        (), description="紧急转接: only tickets with an emergency of this level"
    )
    channels: tuple[Channel, ...] = Field((), description="诉求来源: tickets that came by one of them")
    confidentiality: tuple[Secrecy, ...] = Field(
        (), description="保密; leave restricted (举报, minors) out where not everybody may read it"
    )
    since: AwareDatetime | None = Field(
        None, description="Only tickets changed then or later; without it a new subscriber gets every ticket there is"
    )
    first_version_only: bool = Field(
        False,
        description="Only the first snapshot of a ticket: for systems whose door opens a new ticket each time (Zammad)",
    )


_TOPICS = {"masked": topics.TICKET_MASKED, "clear": topics.TICKET, "restricted": topics.TICKET_RESTRICTED}


class SubscriberSettings(Section):
    """One webhook subscriber."""

    url: Endpoint = Field(description="Where to POST; https, or http into a private network")
    secrets: tuple[Secret, ...] = Field(
        min_length=1,
        description="whsec_ + base64 of 24 to 64 bytes; the new and the old one while it is changed: both sign",
    )
    snapshot: Literal["masked", "clear", "restricted"] = Field(
        "masked",
        description="clear: with personal data, for those who handle tickets; restricted: restricted tickets "
        "(严格保密) alone, in clear, which the two others never show",
    )
    format: Literal["ticket", "cloudevent", "open311-json", "open311-xml", "zammad"] = Field(
        "ticket", description="The body; ticket and cloudevent hold the record as it is in Kafka"
    )
    filter: FilterSettings = Field(default_factory=FilterSettings, description="Which tickets")
    authorization: SecretStr | None = Field(
        None, min_length=1, description="Value of an Authorization header, where a gateway or Zammad wants one"
    )
    allow_private: bool = Field(False, description="The URL may lead into a private network, or to this machine")
    ca_certs: Path | None = Field(None, description="Certificates of the authority that signed the endpoint's")
    media_base_url: str | None = Field(
        None, pattern=r"^https?://", description="Where the blob store can be read, for Open311's media_url"
    )
    zammad_group: str = Field("Users", min_length=1, description="Zammad: the group that gets the tickets")
    zammad_customer: str | None = Field(
        None, min_length=1, description="Zammad: login of the customer who stands for all without a mail address"
    )
    requests_at_once: int = Field(4, ge=1, le=64, description="Requests at the same time; a ticket's keep their order")
    request_timeout_seconds: float = Field(10.0, gt=0, le=300, description="Time for one request, name to answer")
    retry_seconds: float = Field(7200.0, ge=0, description="How long one delivery is tried before it is a dead letter")
    backoff_base_seconds: float = Field(1.0, gt=0, description="Wait after the first fault; doubles with each more")
    backoff_max_seconds: float = Field(300.0, gt=0, description="Longest wait between two tries")

    @property
    def topic(self) -> str:
        """Return the topic of the snapshots."""
        return _TOPICS[self.snapshot]

    @model_validator(mode="after")
    def _reachable(self) -> "SubscriberSettings":
        """Refuse a forbidden address; the address of a name is checked when it is used."""
        host = host_of(self.url)
        address = literal(host)
        reason = refusal(address, allow_private=self.allow_private, tls=self.tls) if address else None
        if reason:
            raise ValueError(f"url {reason}")
        if not self.tls and not self.allow_private:
            raise ValueError("url must be https; http is for a private network, with allow_private = true")
        if self.snapshot != "masked" and not self.tls and not is_loopback(host):
            raise ValueError(f"snapshot = {self.snapshot} needs an https url: it holds personal data")
        if self.snapshot != "restricted" and self.filter.confidentiality == ("restricted",):
            raise ValueError("filter.confidentiality names restricted alone: they need snapshot = restricted")
        return self

    @property
    def readable(self) -> FilterSettings:
        """Return the filter; only subscribers with `snapshot = restricted` read restricted tickets (严格保密)."""
        levels = self.filter.confidentiality or tuple(enums.CONFIDENTIALITY)
        if self.snapshot == "restricted":
            return self.filter
        return self.filter.model_copy(update={"confidentiality": tuple(one for one in levels if one != "restricted")})

    @property
    def tls(self) -> bool:
        """Return whether the endpoint uses TLS."""
        return self.url.lower().startswith("https:")

    @property
    def endpoint(self) -> str:
        """Return the URL without path and query, which may hold a token."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def keys(self) -> list[bytes]:
        """Return the keys that sign, the newest first."""
        return [key_of(secret.get_secret_value()) for secret in self.secrets]
