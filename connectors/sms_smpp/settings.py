"""Settings of one SMPP account, from the provider's contract."""

import ssl
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from broker.tls import is_this_machine, verifying
from connectors.base import Jurisdiction
from connectors.message_id import NamingKey
from connectors.sms_common.link import Patience
from schemas.settings_base import Section

Bind = Literal["transceiver", "receiver"]
Alphabet = Literal["gsm7", "ascii", "latin1", "gb", "ucs2"]
"""Values of the content type's `alphabet` for the normalizer."""

WhenUnsafe = Literal["throttled", "temporary", "silent"]


class SmppSettings(Section):
    """One system_id at one SMSC; `[connectors.sms_smpp.NAME]` in hotline.toml."""

    host: str = Field(min_length=1, description="The SMSC (短信中心) or the aggregator's gateway")
    port: int = Field(2775, ge=1, le=65535, description="Its port")
    tls: Literal["tls", "none"] = Field(
        "none", description="Encryption; none is for this machine, or where `private_line` is set"
    )
    private_line: bool = Field(
        False,
        description="The SMSC is reached by a private line (专线) or a VPN, on which the password may go in clear",
    )
    ssl_cafile: Path | None = Field(None, description="Certificates to trust instead of the system's")
    system_id: str = Field(min_length=1, max_length=15, description="Login name (system_id)")
    password: SecretStr = Field(
        min_length=1, max_length=64, description="Password, as the provider issued it; up to 64 characters"
    )
    system_type: str | None = Field(
        None, min_length=1, max_length=12, description="system_type, where the provider names one"
    )
    bind: Bind = Field(
        "transceiver", description="How messages are asked for: transceiver, or receiver where the provider wants that"
    )
    address_range: str | None = Field(
        None, min_length=1, max_length=40, description="The numbers this bind serves, where the provider wants it told"
    )
    binds: int = Field(
        1, ge=1, le=16, description="Connections at a time, as many as the provider allows for this system_id"
    )
    alphabet: Alphabet = Field(
        "gsm7", description="What data_coding 0 means at this SMSC; ask the provider for its default alphabet"
    )
    packed: bool = Field(False, description="Its GSM 7 bit texts come packed, eight characters in seven bytes")
    window: int = Field(
        100, ge=1, le=1000, description="Messages of a connection on their way to Kafka; more are not read"
    )
    when_unsafe: WhenUnsafe = Field(
        "throttled",
        description="What a message is answered that Kafka did not take: throttled (0x58), temporary (0x64), or "
        "silent: nothing, where the provider gives up what was refused",
    )
    enquire_link_seconds: float = Field(
        30, gt=0, le=600, description="Ask whether the SMSC is there after so much silence"
    )
    answer_timeout_seconds: float = Field(
        10, gt=0, le=120, description="Limit for an answer, for a write and for the end of a connection"
    )
    connect_timeout_seconds: float = Field(15, gt=0, description="Limit for a connection attempt")
    jurisdiction: Jurisdiction = None
    naming_key: NamingKey = None
    reply_from: str | None = Field(
        None, min_length=1, max_length=20, description="The number (接入号) of answers; the SMSC's own by default"
    )
    reply_ton: int = Field(0, ge=0, le=6, description="Type of that number (TON)")
    reply_npi: int = Field(1, ge=0, le=18, description="Numbering plan of that number (NPI)")
    citizen_ton: int = Field(1, ge=0, le=6, description="Type of the citizens' numbers (TON) in answers")
    citizen_npi: int = Field(1, ge=0, le=18, description="Numbering plan of the citizens' numbers (NPI)")
    reply_receipts: bool = Field(True, description="Ask for a delivery receipt (状态报告) of each answer")

    @model_validator(mode="after")
    def _login_is_hidden(self) -> "SmppSettings":
        if self.tls == "none" and not self.private_line and not is_this_machine(self.host):
            raise ValueError(
                "the password would go in clear: set tls = tls, or private_line = true on a private line or a VPN"
            )
        return self

    def tls_context(self) -> ssl.SSLContext | None:
        """Return a context that verifies the SMSC, None without TLS; raises as `verifying` does."""
        return None if self.tls == "none" else verifying(self.ssl_cafile)

    @property
    def patience(self) -> Patience:
        """Return the time limits of a bind."""
        answer = self.answer_timeout_seconds
        return Patience(
            connect=self.connect_timeout_seconds,
            login=answer,
            answer=answer,
            leave=answer,
            quiet=self.enquire_link_seconds,
            heartbeat=answer,
        )
