"""Settings of a Weibo account: its callback, and its lists."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, SecretStr, model_validator

from connectors.base import Jurisdiction
from connectors.message_id import NamingKey
from schemas.errors import MisconfiguredError
from schemas.settings_base import Section

List = Literal["mentions", "comments_to_me", "comments_mentions", "direct_messages"]
"""@我的微博, 收到的评论, @我的评论, 收到的私信."""

Secret = Annotated[SecretStr, Field(min_length=8, max_length=128)]


class TokenSettings(Section):
    """Access token that a user granted to the application."""

    access_token: SecretStr | None = Field(None, min_length=1, description="Access token of the account")
    access_token_file: Path | None = Field(
        None, description="File that holds it instead; read again, so a new token needs no restart"
    )
    reply_host: str = Field(
        "m.api.weibo.com", min_length=1, description="Host of the message interface; c.api.weibo.com if commercial"
    )

    @model_validator(mode="after")
    def _has_one_token(self) -> "TokenSettings":
        if self.access_token is not None and self.access_token_file is not None:
            raise ValueError("access_token and access_token_file: set one of the two")
        return self

    def token(self) -> str:
        """Return the current token; raises MisconfiguredError if it is missing."""
        if self.access_token is not None:
            return self.access_token.get_secret_value()
        if self.access_token_file is None:
            raise MisconfiguredError("access_token of the Weibo account is missing: set it or access_token_file")
        try:
            found = self.access_token_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise MisconfiguredError(
                f"access_token_file {self.access_token_file} cannot be read: correct it"
            ) from error
        if not found:
            raise MisconfiguredError(f"access_token_file {self.access_token_file} is empty: write the token into it")
        return found


class WeiboSettings(TokenSettings):
    """One account of the fans' service (粉丝服务); `[connectors.weibo.NAME]` in hotline.toml; answers need a token."""

    app_secrets: tuple[Secret, ...] = Field(
        min_length=1, description="App Secret of the application; the old and the new one while it is changed"
    )
    jurisdiction: Jurisdiction = None
    naming_key: NamingKey = None
    path: str = Field("/weibo", pattern=r"^/[\w/.-]*$", description="Path of the callback URL on the receiver")
    body_max_bytes: int = Field(64 * 1024, gt=0, description="A greater push is refused (413)")
    timestamp_window_seconds: float = Field(
        300, gt=0, le=3600, description="How far a request's timestamp may be from our clock"
    )


class WeiboPullSettings(TokenSettings):
    """One account whose lists are fetched; `[connectors.weibo_pull.NAME]` in hotline.toml."""

    token_expires_at: AwareDatetime | None = Field(
        None, description="When the token ends, RFC 3339 with an offset; the platform is asked by default"
    )
    token_warn_days: float = Field(7, ge=0, le=365, description="So long before its end the token is complained about")
    host: str = Field(
        "api.weibo.com", min_length=1, description="Host of the interfaces; c.api.weibo.com if commercial"
    )
    lists: tuple[List, ...] = Field(
        ("mentions", "comments_to_me", "comments_mentions"),
        min_length=1,
        description="What is fetched: @我的微博, 收到的评论, @我的评论, and 收到的私信 (commercial interfaces alone)",
    )
    calls_per_day: int = Field(
        100, ge=1, description="Calls that the platform allows in a day to one user of the application"
    )
    poll_seconds: float = Field(60, gt=0, description="Never ask a list more often than this")
    page_size: int = Field(200, ge=1, le=200, description="Items asked for at a time")
    pages_max: int = Field(10, ge=1, le=100, description="Pages after which a gap is told and no further one is asked")
    history_pages: int = Field(1, ge=1, le=100, description="Pages that a first start takes of what is there already")
    public_pages: bool = Field(
        False, description="Complete cut statuses (全文) from the public site m.weibo.cn, one by one, later"
    )
    public_pages_seconds: float = Field(30, gt=0, description="Never ask the public site more often than this")
    public_pages_cookie: SecretStr | None = Field(
        None, min_length=1, description="Cookie (SUB=…) that the public site wants of servers"
    )
    jurisdiction: Jurisdiction = None

    @model_validator(mode="after")
    def _has_a_token(self) -> "WeiboPullSettings":
        if self.access_token is None and self.access_token_file is None:
            raise ValueError("access_token is missing: set it, or access_token_file")
        return self
