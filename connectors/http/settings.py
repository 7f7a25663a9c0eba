"""Settings of the receiver; it imports nothing heavy, because every command reads the settings."""

from pathlib import Path

from pydantic import Field, IPvAnyNetwork

from schemas.settings_base import Section


class ReceiverSettings(Section):
    """The one HTTP server of the push channels."""

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on; a proxy with TLS stands before it")
    port: int = Field(19110, ge=0, le=65535, description="Port to listen on")
    trusted_proxies: tuple[IPvAnyNetwork, ...] = Field(
        (), description="Addresses or networks of the proxies whose X-Forwarded-For says who calls"
    )
    body_max_bytes: int = Field(64 * 1024, gt=0, description="A greater body is refused while it comes in (413)")
    body_timeout_seconds: float = Field(3.0, gt=0, description="A slower body is refused (408)")
    idle_timeout_seconds: int = Field(10, gt=0, description="A connection without a whole request header is closed")
    header_max_bytes: int = Field(16 * 1024, gt=0, description="A greater request header is refused (400 or 431)")
    connections_max: int = Field(1024, gt=0, description="Connections at once; more are answered 503")
    connections_per_address: int = Field(
        128,
        gt=0,
        description="Connections and requests at once of one address (IPv6: one /64); more are answered 503. "
        "A trusted proxy has no such limit, the addresses that it names have it",
    )
    requests_max: int = Field(256, gt=0, description="Requests at once; more are answered 503")
    publish_timeout_seconds: float = Field(
        2.0, gt=0, le=4, description="After this long without Kafka's answer the journal takes the message"
    )
    shutdown_timeout_seconds: int = Field(10, gt=0, description="How long running requests may take to end")
    journal_folder: Path | None = Field(None, description="Folder of the journal; in the data folder by default")
    journal_max_bytes: int = Field(
        1 << 30, gt=0, description="With this much in the journal senders are told 503; large messages have their own"
    )
