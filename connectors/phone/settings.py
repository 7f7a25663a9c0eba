"""Settings of a call platform's webhook."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from connectors.base import Jurisdiction, Zone
from connectors.http.signature import Secret
from connectors.message_id import NamingKey
from schemas.settings_base import Section

Platform = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,31}$")]


class PhoneSettings(Section):
    """One call platform (呼叫平台) that posts records of calls; `[connectors.phone.NAME]` in hotline.toml."""

    secrets: tuple[Secret, ...] = Field(
        min_length=1, max_length=4, description="Shared secret, 32 bytes or more; the old and the new one in a change"
    )
    auth: Literal["signature", "bearer"] = Field(
        "signature",
        description="`signature`: HMAC-SHA256 over time and body; `bearer`: the secret itself, for what cannot sign",
    )
    shape: Literal["call", "kamailio"] = Field(
        "call", description="`call`: records of calls as documented; `kamailio`: start, end and failure of SIP calls"
    )
    platform: Platform | None = Field(
        None, description="Whose call ids these are: accounts of one platform share it; the account's name by default"
    )
    naming_key: NamingKey = None
    path: str = Field("/phone", pattern=r"^/[\w/.-]*$", description="Path of the webhook on the receiver")
    jurisdiction: Jurisdiction = None
    timezone: Zone = Field("Asia/Shanghai", description="Zone of times that are written without one")
    timestamp_window_seconds: float = Field(
        300, gt=0, le=3600, description="How far a signature's timestamp may be from our clock"
    )
    body_max_bytes: int = Field(1 << 20, gt=0, description="A greater body is refused while it comes in (413)")

    @model_validator(mode="after")
    def _signs_what_can_sign(self) -> "PhoneSettings":
        if self.shape == "kamailio" and self.auth == "signature":
            raise ValueError('Kamailio cannot sign: set auth = "bearer"')
        return self
