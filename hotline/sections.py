"""Tables of `hotline.toml` that say where the services are, and where files lie."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from schemas.settings_base import Section


class KafkaSettings(Section):
    """An existing Kafka; without `bootstrap_servers` the local stack's is used."""

    bootstrap_servers: str | None = Field(
        default=None, min_length=1, description="host:port of the brokers, with commas between"
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="How to talk to the brokers"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        default=None, description="How to log in, with a protocol that begins with SASL"
    )
    sasl_username: str | None = Field(default=None, min_length=1, description="Who logs in")
    sasl_password: SecretStr | None = Field(default=None, min_length=1, description="Password of `sasl_username`")
    ssl_cafile: Path | None = Field(default=None, description="Certificates of the authority that signed the brokers'")
    partitions: int = Field(
        default=8,
        ge=1,
        le=1000,
        description="Partitions over which cities are spread; frozen in hotline.placement.v1, so it never changes",
    )
    replication_factor: int = Field(default=1, ge=1, le=9, description="Copies of every topic")


class ElasticsearchSettings(Section):
    """An existing Elasticsearch; without `hosts` the local stack's is used."""

    hosts: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(), description="URLs of the nodes, with commas between"
    )
    api_key: SecretStr | None = Field(
        default=None, min_length=1, description="API key, base64 as Elasticsearch gives it"
    )
    username: str | None = Field(default=None, min_length=1, description="Who logs in, when there is no API key")
    password: SecretStr | None = Field(default=None, min_length=1, description="Password of `username`")
    ca_certs: Path | None = Field(default=None, description="Certificates of the authority that signed the nodes'")


class LocalSettings(Section):
    """The local stack."""

    data_dir: Path | None = Field(
        default=None, description="Its data folder; `.hotline` beside the settings file by default"
    )
    maven_mirror: str | None = Field(
        default=None, pattern=r"^https?://", description="URL of a Maven repository to fetch the jars from"
    )


class BlobSettings(Section):
    """Where large bodies and attachments lie."""

    url: str | None = Field(
        default=None, min_length=1, description="file:///folder or s3://bucket/path; a local folder by default"
    )
