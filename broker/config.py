"""Connection settings of Kafka: one value that `hotline/runtime/components.py` passes to every package."""

import ssl
from typing import Any, Literal

from msgspec import Struct


class KafkaConnection(Struct, frozen=True, kw_only=True):
    """Addresses of the brokers and the login; `sasl_password` is never printed."""

    bootstrap_servers: str
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: str | None = None
    ssl_cafile: str | None = None
    partitions: int = 8
    replication_factor: int = 1

    def __repr__(self) -> str:
        return f"KafkaConnection({self.bootstrap_servers!r}, {self.security_protocol})"

    def client_options(self) -> dict[str, Any]:
        """Return keyword arguments of a kafka-python client."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers.split(","),
            "security_protocol": self.security_protocol,
        }
        if self.sasl_mechanism:
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self.sasl_password,
            }
        if self.ssl_cafile:
            options["ssl_cafile"] = self.ssl_cafile
        return options

    def aiokafka_options(self) -> dict[str, Any]:
        """Return keyword arguments of an aiokafka client, which takes an SSL context instead of a file."""
        import broker.aio_client  # noqa: F401 - patches aiokafka; only processes that make such a client load the library

        options = self.client_options()
        options.pop("ssl_cafile", None)
        return {**options, "ssl_context": self.ssl_context()}

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return the SSL context, or None for a plain connection."""
        return ssl.create_default_context(cafile=self.ssl_cafile) if "SSL" in self.security_protocol else None
