"""Connection settings of Kafka: one value that `hotline/runtime/components.py` passes to every package."""

import ssl
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from broker.tls import present, verifying


class KafkaConnection(Struct, frozen=True, kw_only=True):
    """Addresses of the brokers and the login; `sasl_password` is never printed."""

    bootstrap_servers: str
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: str | None = None
    ssl_cafile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    partitions: int = 8
    replication_factor: int = 1

    def __repr__(self) -> str:
        return f"KafkaConnection({self.bootstrap_servers!r}, {self.security_protocol})"

    def client_options(self) -> dict[str, Any]:
        """Return keyword arguments of a kafka-python client. Raises MisconfiguredError for unusable files."""
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
        if (context := self.ssl_context()) is not None:
            options["ssl_context"] = context
        return options

    def aiokafka_options(self) -> dict[str, Any]:
        """Return keyword arguments of an aiokafka client."""
        import broker.aio_client  # noqa: F401 - patches aiokafka; only processes that make such a client load the library

        return self.client_options()

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return the SSL context with our certificate, or None for a plain connection.

        Raises MisconfiguredError for files that cannot be used.
        """
        if "SSL" not in self.security_protocol:
            return None
        context = verifying(Path(self.ssl_cafile) if self.ssl_cafile else None)
        if self.ssl_certfile:
            present(context, self.ssl_certfile, self.ssl_keyfile, "kafka.ssl_certfile")
        return context
