"""Settings of the fetcher; imports no heavy module, because every command reads the settings."""

from pydantic import Field

from schemas.settings_base import Section


class FetcherSettings(Section):
    """Fetches after a message came: files by media id, and the messages behind an event of 微信客服."""

    waiting_max: int = Field(100_000, gt=0, description="With so many errands waiting no more messages are read")
    journal_seconds: float = Field(
        30.0,
        gt=0,
        description="How often the receiver's journal on this machine is looked at: it holds what Kafka lacks",
    )
    sweep_seconds: float = Field(
        300.0, gt=0, description="How often the messages of `open_kfids` are asked for without a callback"
    )
