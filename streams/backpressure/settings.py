"""Settings of flood control; it imports nothing heavy, because every command reads the settings."""

from pydantic import Field

from schemas.settings_base import Section


class ShareSettings(Section):
    """Messages that may come at once and per minute before the rest waits; 0 a minute switches the limit off."""

    sender_burst: int = Field(60, ge=1, description="Messages of one sender that may come at once")
    sender_per_minute: int = Field(
        30, ge=0, description="Messages of one sender a minute, in the long run; 0 sets no limit"
    )
    account_burst: int = Field(20_000, ge=1, description="Messages of one account that may come at once")
    account_per_minute: int = Field(
        6_000, ge=0, description="Messages of one account a minute, in the long run; 0 sets no limit"
    )


class FloodSettings(ShareSettings):
    """Flood control: messages beyond a share wait behind all others' messages. Emergencies never wait."""

    accounts: dict[str, ShareSettings] = Field(default_factory=dict, description="Other shares, by account")
