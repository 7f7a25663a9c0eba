"""What the provider's contract and the operator say of one SMPP account."""

import ssl
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from connectors.account import Jurisdiction
from connectors.tls import is_this_machine, verifying

Bind = Literal["transceiver", "receiver"]
Alphabet = Literal["gsm7", "ascii", "latin1", "gb", "ucs2"]
"""The words of the content type's `alphabet`, as the normalizer reads it."""

WhenUnsafe = Literal["throttled", "temporary", "silent"]


class SmppSettings(BaseModel):
    """One system_id at one SMSC; `[connectors.sms_smpp.NAME]` in hotline.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: Annotated[str, Field(min_length=1, description="The SMSC (短信中心) or the aggregator's gateway")]
    port: Annotated[int, Field(ge=1, le=65535, description="Its port")] = 2775
    tls: Annotated[
        Literal["tls", "none"],
        Field(description="Encryption; none is for this machine, or where `private_line` is set"),
    ] = "none"
    private_line: Annotated[
        bool,
        Field(
            description="The SMSC is reached by a private line (专线) or a VPN, on which the password may go in clear"
        ),
    ] = False
    ssl_cafile: Annotated[Path | None, Field(description="Certificates to trust instead of the system's")] = None
    system_id: Annotated[str, Field(min_length=1, max_length=15, description="Login name (system_id)")]
    password: Annotated[
        SecretStr, Field(min_length=1, max_length=8, description="Password; the protocol has room for 8 characters")
    ]
    system_type: Annotated[
        str | None, Field(min_length=1, max_length=12, description="system_type, where the provider names one")
    ] = None
    bind: Annotated[
        Bind, Field(description="How messages are asked for: transceiver, or receiver where the provider wants that")
    ] = "transceiver"
    address_range: Annotated[
        str | None,
        Field(
            min_length=1, max_length=40, description="The numbers this bind serves, where the provider wants it told"
        ),
    ] = None
    binds: Annotated[
        int, Field(ge=1, le=16, description="Connections at a time, as many as the provider allows for this system_id")
    ] = 1
    alphabet: Annotated[
        Alphabet, Field(description="What data_coding 0 means at this SMSC; ask the provider for its default alphabet")
    ] = "gsm7"
    packed: Annotated[bool, Field(description="Its GSM 7 bit texts come packed, eight characters in seven bytes")] = (
        False
    )
    window: Annotated[
        int, Field(ge=1, le=1000, description="Messages of a connection on their way to Kafka; more are not read")
    ] = 100
    when_unsafe: Annotated[
        WhenUnsafe,
        Field(
            description="What a message is answered that Kafka did not take: throttled (0x58), temporary (0x64), or "
            "silent: nothing, where the provider gives up what was refused"
        ),
    ] = "throttled"
    enquire_link_seconds: Annotated[
        float, Field(gt=0, le=600, description="Ask whether the SMSC is there after so much silence")
    ] = 30
    answer_timeout_seconds: Annotated[
        float, Field(gt=0, le=120, description="Limit for an answer, for a write and for the end of a connection")
    ] = 10
    connect_timeout_seconds: Annotated[float, Field(gt=0, description="Limit for a connection attempt")] = 15
    jurisdiction: Jurisdiction = None
    reply_from: Annotated[
        str | None,
        Field(min_length=1, max_length=20, description="The number (接入号) of answers; the SMSC's own by default"),
    ] = None
    reply_ton: Annotated[int, Field(ge=0, le=6, description="Type of that number (TON)")] = 0
    reply_npi: Annotated[int, Field(ge=0, le=18, description="Numbering plan of that number (NPI)")] = 1
    citizen_ton: Annotated[int, Field(ge=0, le=6, description="Type of the citizens' numbers (TON) in answers")] = 1
    citizen_npi: Annotated[int, Field(ge=0, le=18, description="Numbering plan of the citizens' numbers (NPI)")] = 1
    reply_receipts: Annotated[bool, Field(description="Ask for a delivery receipt (状态报告) of each answer")] = True

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
