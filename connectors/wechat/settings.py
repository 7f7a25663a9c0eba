"""Settings from the account's page (公众平台 → 基本配置, 企业微信管理后台 → 应用管理) and of the callback address."""

import base64
import binascii
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from connectors.base import Jurisdiction
from schemas.settings_base import Section

CHANNEL_KIND = "wechat_mp"
CONTENT_TYPE = "text/xml"

Mode = Literal["plain", "compatible", "safe"]
"""消息加解密方式: 明文模式, 兼容模式, 安全模式."""

ENCRYPTED: frozenset[Mode] = frozenset({"compatible", "safe"})

AES_KEY_CHARACTERS = 43


def _checked_key(secret: SecretStr) -> SecretStr:
    try:
        aes_key(secret)
    except (binascii.Error, ValueError):
        raise ValueError("an EncodingAESKey has 43 letters and digits: copy it again from the platform") from None
    return secret


def aes_key(secret: SecretStr) -> bytes:
    """Return the 32 bytes of an EncodingAESKey; raises ValueError for an invalid one."""
    text = secret.get_secret_value()
    if len(text) != AES_KEY_CHARACTERS:
        raise ValueError("not 43 characters")
    return base64.b64decode(text + "=", validate=True)


Token = Annotated[SecretStr, Field(min_length=3, max_length=32)]
AesKey = Annotated[SecretStr, AfterValidator(_checked_key)]


class AccountSettings(Section):
    """Settings of all kinds of accounts."""

    tokens: tuple[Token, ...] = Field(min_length=1, description="Token; the old and the new one while it is changed")
    jurisdiction: Jurisdiction = None
    timestamp_window_seconds: float = Field(
        300, gt=0, le=3600, description="How far a request's timestamp may be from our clock"
    )
    secret: SecretStr | None = Field(
        None,
        min_length=1,
        description="AppSecret or corpsecret, with which files are fetched and answers sent; neither without it",
    )


class WeChatSettings(AccountSettings):
    """One official account or mini programme; `[connectors.wechat.NAME]` in hotline.toml."""

    appid: str = Field(min_length=1, description="AppID of the account")
    kind: Literal["official_account", "mini_programme"] = Field(
        "official_account", description="公众号 (official_account) or 小程序 (mini_programme)"
    )
    aes_keys: tuple[AesKey, ...] = Field((), description="EncodingAESKey; the old and the new one while it is changed")
    modes: frozenset[Mode] = Field(
        frozenset({"safe"}),
        min_length=1,
        description="消息加解密方式 that are accepted; in `plain` the platform signs no bodies, so prefer `safe`",
    )
    path: str = Field(
        "/wechat", pattern=r"^/[\w/.-]*$", description="Path of the callback URL (服务器地址) on the receiver"
    )
    passive_reply: str | None = Field(
        None,
        min_length=1,
        max_length=600,
        description="Text that answers each message of a citizen at once (被动回复), without a number; none by default",
    )
    api_url: str = Field(
        "https://api.weixin.qq.com", pattern=r"^https?://", description="Where the platform's API is called"
    )

    @model_validator(mode="after")
    def _needs_a_key(self) -> "WeChatSettings":
        if self.modes & ENCRYPTED and not self.aes_keys:
            raise ValueError("aes_keys is missing: safe and compatible mode need the EncodingAESKey")
        if self.passive_reply and self.kind == "mini_programme":
            raise ValueError("passive_reply is for official accounts: 小程序 shows none, so remove it")
        return self


class WeComSettings(AccountSettings):
    """One application of 企业微信, or its 微信客服; `[connectors.wecom.NAME]` in hotline.toml."""

    corpid: str = Field(min_length=1, description="企业ID, which every callback is encrypted for")
    aes_keys: tuple[AesKey, ...] = Field(
        min_length=1, description="EncodingAESKey; the old and the new one while it is changed"
    )
    path: str = Field(
        "/wecom", pattern=r"^/[\w/.-]*$", description="Path of the callback URL (接收消息服务器) on the receiver"
    )
    agent_id: int | None = Field(None, ge=1, description="AgentId of the application that answers its members")
    open_kfids: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), description="客服账号ID whose messages are also looked for without a callback, every few minutes"
    )
    api_url: str = Field(
        "https://qyapi.weixin.qq.com", pattern=r"^https?://", description="Where the platform's API is called"
    )

    @model_validator(mode="after")
    def _needs_a_secret(self) -> "WeComSettings":
        if self.open_kfids and self.secret is None:
            raise ValueError("secret is missing: the messages of open_kfids are fetched with it")
        return self
