"""Settings of an SP account from the operator's letter (接入通知), and time limits of its session."""

from typing import Literal, TypeAlias

from pydantic import Field, SecretStr

from connectors.base import Jurisdiction
from connectors.message_id import NamingKey
from connectors.sms_common.link import Patience
from schemas.settings_base import Section

Major: TypeAlias = Literal[2, 3]
"""Major version, which decides the width of some fields."""

LEAVE_SECONDS = 2.0
"""Seconds to wait for the answer to a TERMINATE."""


class CmppSettings(Section):
    """One SP account (企业代码) at an ISMG (短信网关); `[connectors.sms_cmpp.NAME]` in hotline.toml."""

    host: str = Field(min_length=1, description="Address of the ISMG (网关地址)")
    port: int = Field(7890, ge=1, le=65535, description="Its port for long connections (长连接端口)")
    source: str = Field(pattern=r"^[!-~]{1,6}$", description="Source_Addr: the SP id (企业代码) that logs in")
    secret: SecretStr = Field(min_length=1, description="Shared secret (共享密钥)")
    version: Literal["2.0", "3.0"] = Field("2.0", description="CMPP version (协议版本) of the account")
    jurisdiction: Jurisdiction = None
    naming_key: NamingKey = None
    window: int = Field(16, ge=1, le=1024, description="Messages taken at once before Kafka holds the first (滑动窗口)")
    busy: Literal["silent", "throttle"] = Field(
        "silent",
        description="While Kafka does not answer: `silent` keeps asking Kafka and answers the ISMG late, which repeats "
        "what is unanswered; `throttle` answers Result 8 (flow control) at once, for an ISMG that repeats after that",
    )
    strict: bool = Field(
        False, description="Refuse an ISMG that does not prove to know the secret; some that are real do not"
    )
    connect_timeout_seconds: float = Field(10, gt=0, description="How long connecting and logging in may take, each")
    active_test_seconds: float = Field(60, gt=0, description="Silence after which ACTIVE_TEST (链路检测) is sent")
    active_test_timeout_seconds: float = Field(20, gt=0, description="How long each answer to it may take")
    active_test_attempts: int = Field(3, ge=1, description="Unanswered ones after which the connection is given up")
    number: str | None = Field(
        None,
        pattern=r"^[!-~]{1,21}$",
        description="Src_Id: the number (接入号) that replies come from; they need it",
    )
    service: str | None = Field(None, pattern=r"^[!-~]{1,10}$", description="Service_Id (业务代码) of replies")
    fee_type: str = Field("01", pattern=r"^\d\d$", description="FeeType (资费类别) of replies; 01 is free of charge")
    reports: bool = Field(True, description="Ask for a status report (状态报告) of each reply")
    submit_timeout_seconds: float = Field(
        30, gt=0, description="How long the answer to a reply may take before its outcome is unknown"
    )

    @property
    def major(self) -> Major:
        """Return the major version."""
        return 3 if self.version == "3.0" else 2

    @property
    def patience(self) -> Patience:
        """Return the time limits of a session."""
        return Patience(
            connect=self.connect_timeout_seconds,
            login=self.connect_timeout_seconds,
            answer=self.submit_timeout_seconds,
            leave=LEAVE_SECONDS,
            quiet=self.active_test_seconds,
            heartbeat=self.active_test_timeout_seconds,
            heartbeats=self.active_test_attempts,
        )
