"""Settings: `hotline.toml` is `HOTLINE_*` by rule; flags > environment > secrets folder > TOML > defaults."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from connectors.backoffice.settings import BackOfficeSettings
from connectors.base import Adcode
from connectors.http.settings import ReceiverSettings
from connectors.mailbox.settings import LmtpSettings
from connectors.media_fetch.settings import FetcherSettings
from connectors.registry import entries
from connectors.replies.settings import AnswerSettings
from connectors.reply_registry import check
from console.settings import ConsoleSettings
from hotline.config.command_keys import CommandKeySettings, CommandSettings
from schemas.settings_base import Section
from sinks.settings import ArchiveSettings, SinkSettings
from sinks.webhook.settings import SubscriberSettings
from storage.disk_probe import OPEN_SECONDS, in_time
from streams.backpressure.settings import FloodSettings

# Tables of `hotline.toml` that say where the services are, and where files lie.


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
    ssl_certfile: Path | None = Field(
        default=None, description="Our certificate (PEM), where brokers ask for one; a protocol with SSL"
    )
    ssl_keyfile: Path | None = Field(
        default=None, description="Its key (PEM, without a password); in the same file by default"
    )
    partitions: int = Field(
        default=8,
        ge=1,
        le=1000,
        description="Partitions over which cities are spread; frozen in hotline.placement.v1, so it never changes",
    )
    replication_factor: int = Field(default=1, ge=1, le=9, description="Copies of every topic")


Shards = Annotated[int, Field(ge=1, le=1024)]


class ShardSettings(Section):
    """Shards of each index, the same on all hosts; `hotline index rebuild` gives an index that is there new ones."""

    ticket: Shards = Field(default=1, description="Of tickets: one for each 50 GB")
    ticket_masked: Shards = Field(default=1, description="Of masked tickets, as many as of tickets")
    ticket_restricted: Shards = Field(default=1, description="Of restricted tickets (严格保密)")
    message: Shards = Field(default=1, description="Of each month's messages; the next month has a change")
    link: Shards = Field(default=1, description="Of links between messages and tickets")

    @property
    def by_index(self) -> Mapping[str, int]:
        """Return them by the short name of the index."""
        return self.model_dump()


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
    client_cert: Path | None = Field(default=None, description="Our certificate (PEM), where nodes ask for one")
    client_key: Path | None = Field(
        default=None, description="Its key (PEM, without a password); in the same file by default"
    )
    shards: ShardSettings = Field(default_factory=ShardSettings)


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


PREFIX = "HOTLINE_"

_ID = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")


def _checked_ids(section: Any) -> Any:
    """Refuse ids that an environment variable could not name (it has no case, and `__` means nesting).

    Before anything else: what is missing of such an account has no variable that could be set.
    """
    for name in section if isinstance(section, dict) else ():
        if not _ID.fullmatch(name):
            raise ValueError(f"the id {name!r} must be lower_snake_case, such as mayor_2")
    return section


Ids = BeforeValidator(_checked_ids)


class RulesSettings(Section):
    """The city's own rules and policies, over those that come with the program."""

    folder: Path | None = Field(
        default=None,
        description="Files here stand for the rules and policies of the same name (`kind.toml`, `deadlines/…`)",
    )
    category_model: Path | None = Field(default=None, description="Model made by `hotline learn category` (.npz)")
    place_model: Path | None = Field(default=None, description="Model made by `hotline learn place` (.crfsuite)")


class TelemetrySettings(Section):
    """Health, metrics and traces of each process, and what is watched from outside."""

    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on")
    port: int = Field(default=19120, ge=0, le=65535, description="First port; `run all` counts upwards, 0 turns it off")
    otlp_endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="URL of an OpenTelemetry collector (OTLP over HTTP), such as http://127.0.0.1:4318: "
        "spans go to its /v1/traces; by default nobody is told",
    )
    trace_ratio: float = Field(
        default=1.0, gt=0, le=1, description="Share of the traces that are told; the same in every process"
    )

    monitor_seconds: float = Field(default=15.0, ge=1, description="How often `hotline run monitor` looks")
    acknowledge_within_seconds: float = Field(
        default=60.0,
        ge=1,
        description="A hand-over (紧急转接) that the desk has not acknowledged for so long is overdue; so often the "
        "monitor says so again",
    )
    silent_after_seconds: float = Field(
        default=86_400, gt=0, description="An account that brings no message for so long is silent"
    )
    silent_after: Annotated[dict[str, Annotated[float, Field(gt=0)]], Ids] = Field(
        default_factory=dict,
        description="Seconds of one account or channel, by its name; an account's go before its channel's",
    )

    def port_of(self, number: int) -> int:
        """Return the port of what `run all` starts as that number, itself as 0; 0 where there is none."""
        return self.port and self.port + number


class LogSettings(Section):
    """What the processes write to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="The least that is written")
    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto: console in a terminal, else JSON"
    )


class Connectors(Section):
    """The accounts that messages are fetched from, by an id of your own."""

    if TYPE_CHECKING:

        def __getattr__(self, section: str) -> Mapping[str, Any]: ...

    @property
    def sections(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the accounts by section of `connectors.registry` and id."""
        return {section: getattr(self, section) for section in type(self).model_fields}

    @property
    def fetches_media(self) -> bool:
        """Say whether an account may fetch files: WeChat's needs its secret; 企业微信 without one is told so."""
        return bool(self.wecom) or any(account.secret for account in self.wechat.values())

    @model_validator(mode="after")
    def _named_once(self) -> "Connectors":
        """Cursors, components and metrics go by the id alone."""
        known: set[str] = set()
        for name in (name for accounts in self.sections.values() for name in accounts):
            if name in known:
                raise ValueError(f"the id {name!r} names accounts of two channels: rename one of them")
            known.add(name)
        return self


if TYPE_CHECKING:
    ConnectorsSettings = Connectors
else:
    ConnectorsSettings = create_model(
        "ConnectorsSettings",
        __base__=Connectors,
        __doc__=Connectors.__doc__,
        **{
            section: (
                Annotated[dict[str, entry.settings], Ids],
                Field(default_factory=dict, description=entry.about),
            )
            for section, entry in entries()
        },
    )


class SinksSettings(Section):
    """What goes out of Kafka: into Elasticsearch and the blob store, and to subscribers."""

    elastic: SinkSettings = Field(default_factory=SinkSettings, description="Elasticsearch")
    archive: ArchiveSettings = Field(default_factory=ArchiveSettings, description="Raw bytes in the blob store")
    webhook: Annotated[dict[str, SubscriberSettings], Ids] = Field(
        default_factory=dict, description="Subscribers of webhooks, by an id of your own"
    )


def _tables(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else []


class Settings(BaseSettings):
    """Everything that can be set; made by `hotline.config.load.load`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    jurisdiction: Adcode = Field(
        default="110000",
        description="行政区划代码 of the city, where an account names none; to be set outside of the local stack",
    )
    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    elasticsearch: ElasticsearchSettings = Field(default_factory=ElasticsearchSettings)
    local: LocalSettings = Field(default_factory=LocalSettings)
    receiver: ReceiverSettings = Field(default_factory=ReceiverSettings)
    lmtp: LmtpSettings = Field(default_factory=LmtpSettings)
    fetcher: FetcherSettings = Field(default_factory=FetcherSettings)
    blobs: BlobSettings = Field(default_factory=BlobSettings)
    requester_keys: Annotated[dict[str, SecretStr], Ids] = Field(
        default_factory=dict, description="HMAC keys of requester hashes by id; the id that sorts last is the newest"
    )
    query_key: SecretStr | None = Field(default=None, min_length=1, description="HMAC key of the citizens' 查询码")
    rules: RulesSettings = Field(default_factory=RulesSettings)
    sinks: SinksSettings = Field(default_factory=SinksSettings)
    connectors: ConnectorsSettings = Field(default_factory=ConnectorsSettings)
    backoffice: Annotated[dict[str, BackOfficeSettings], Ids] = Field(
        default_factory=dict, description="Keys of systems that give commands over HTTP, by an id of your own"
    )
    answers: Annotated[dict[str, AnswerSettings], Ids] = Field(
        default_factory=dict, description="Receipts (回执) to citizens, by the id of the account that answers"
    )
    floods: FloodSettings = Field(default_factory=FloodSettings)
    command_keys: Annotated[dict[str, CommandKeySettings], Ids] = Field(
        default_factory=dict, description="Keys that sign commands in Kafka, by a name of yours"
    )
    commands: CommandSettings = Field(default_factory=CommandSettings)
    console: ConsoleSettings = Field(default_factory=ConsoleSettings)
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)
    log: LogSettings = Field(default_factory=LogSettings)

    _file: Path | None = PrivateAttr(None)

    @model_validator(mode="before")
    @classmethod
    def _give_accounts_a_city(cls, values: Any) -> Any:
        """Let an account that names no city have the one of the settings."""
        city = values.get("jurisdiction", cls.model_fields["jurisdiction"].default)
        accounts = [account for channel in _tables(values.get("connectors")) for account in _tables(channel)]
        lmtp = values.get("lmtp")
        accounts += _tables(lmtp.get("mailboxes")) if isinstance(lmtp, dict) else []
        for account in accounts:
            if isinstance(account, dict):
                account.setdefault("jurisdiction", city)
        return values

    @field_validator("answers")
    @classmethod
    def _accounts_can_answer(
        cls, answers: dict[str, AnswerSettings], info: ValidationInfo
    ) -> dict[str, AnswerSettings]:
        """Refuse answers of accounts that there are not, or that cannot give any."""
        if connectors := info.data.get("connectors"):  # else refused already
            check(answers, connectors.sections)
        return answers

    @property
    def file(self) -> Path | None:
        """Return the settings file that was read, None when there is none."""
        return self._file

    @property
    def data_dir(self) -> Path:
        """Return the data folder: `local.data_dir`, else `.hotline` beside the settings file.

        Raises UnreachableError where its disk hangs: whoever looks at it would wait for good, and say nothing.
        """
        beside = self._file.resolve().parent if self._file else Path.cwd()
        chosen = self.local.data_dir
        folder = beside / (chosen.expanduser() if chosen else ".hotline")
        resolved = in_time(folder.resolve, f"the data folder {folder}", OPEN_SECONDS)
        return resolved if chosen else folder

    @property
    def installation(self) -> str:
        """Return what names this installation on its machine: the digest of the data folder's path."""
        return hashlib.sha256(str(self.data_dir).encode(errors="surrogateescape")).hexdigest()[:16]

    @property
    def is_local(self) -> bool:
        """Say whether Kafka is the local stack's."""
        return self.kafka.bootstrap_servers is None
