"""From settings to what the rooms are handed: Kafka, Elasticsearch, the blob store and the policies."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from broker.config import KafkaConnection
from hotline.config import command_signers, stack_state
from hotline.config.stack_state import ServerName, StoppedError
from schemas.errors import MisconfiguredError, UnreachableError
from storage.disk_probe import blob_folder
from storage.private_files import denial

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch
    from obstore.store import ObjectStore

    from hotline.config.settings import ElasticsearchSettings, Settings
    from normalizers.base import Policy
    from normalizers.enrich.address.crf import PlaceModel
    from normalizers.enrich.category import CategoryModel
    from normalizers.rules import Rules
    from sinks.elastic.rest_client import RestClient
    from tickets.policy import TicketPolicy
    from tickets.receipts.policy import AnswerPolicy


LEAST_KEY_BYTES = 16

_LOGIN = re.compile(r"[^\s/'\",]*@")


def kafka(settings: "Settings") -> KafkaConnection:
    """Return how to reach Kafka: the cluster that the settings name, else the local stack.

    Raises MisconfiguredError when that was never started.
    """
    chosen = settings.kafka
    password = chosen.sasl_password.get_secret_value() if chosen.sasl_password else None
    return KafkaConnection(
        bootstrap_servers=chosen.bootstrap_servers or f"127.0.0.1:{_local_port(settings, 'kafka')}",
        security_protocol=chosen.security_protocol,
        sasl_mechanism=chosen.sasl_mechanism,
        sasl_username=chosen.sasl_username,
        sasl_password=password,
        ssl_cafile=str(chosen.ssl_cafile) if chosen.ssl_cafile else None,
        ssl_certfile=str(chosen.ssl_certfile) if chosen.ssl_certfile else None,
        ssl_keyfile=str(chosen.ssl_keyfile) if chosen.ssl_keyfile else None,
        partitions=chosen.partitions,
        replication_factor=chosen.replication_factor,
    )


def elasticsearch_hosts(settings: "Settings") -> list[str]:
    """Return the URLs of Elasticsearch: those that the settings name, else the local stack's. Raises as `kafka`."""
    chosen = list(settings.elasticsearch.hosts)
    return chosen or [f"http://127.0.0.1:{_local_port(settings, 'elasticsearch')}"]


def elasticsearch(settings: "Settings", hosts: Sequence[str] = ()) -> "AsyncElasticsearch":
    """Make a client, for these hosts instead of all when there are any; who asked for it closes it.

    Raises MisconfiguredError where an address cannot be used.
    """
    from elasticsearch import AsyncElasticsearch

    with _usable():
        return AsyncElasticsearch(list(hosts) or elasticsearch_hosts(settings), **_login(settings.elasticsearch))


def rest(settings: "Settings", seconds: float) -> "RestClient":
    """Make a client for a command, which asks and ends. `seconds` limit a request. Raises as `elasticsearch`."""
    from sinks.elastic.rest_client import RestClient, basic

    chosen, login = settings.elasticsearch, None
    if chosen.api_key:
        login = f"ApiKey {chosen.api_key.get_secret_value()}"
    elif chosen.username:
        login = basic(chosen.username, chosen.password.get_secret_value() if chosen.password else "")
    files = {"ca_certs": chosen.ca_certs, "cert_file": chosen.client_cert, "key_file": chosen.client_key}
    tls = {name: str(file) for name, file in files.items() if file}
    with _usable():
        return RestClient(elasticsearch_hosts(settings), login=login, seconds=seconds, **tls)


@contextmanager
def _usable() -> Iterator[None]:
    try:
        yield
    except ValueError as error:  # it may quote the address
        raise MisconfiguredError(
            f"`elasticsearch` cannot be used ({without_login(str(error))}): correct it."
        ) from error


def without_login(told: str) -> str:
    """Return what is told of addresses without the name and password that may stand before a host."""
    return _LOGIN.sub("", told)


def blob_url(settings: "Settings") -> str:
    """Return where large bodies lie: `blobs.url`, else a folder of the data folder."""
    return settings.blobs.url or (settings.data_dir / "blobs").as_uri()


def told_url(url: str) -> str:
    """Return an address as it may be shown: a token may stand in its query, a login before its host.

    What is no address at all may be a string of keys.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return "of `blobs.url`"
    if "://" not in url and parts.scheme != "file":
        return "of `blobs.url`"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def blobs(settings: "Settings", **options: Any) -> "ObjectStore":
    """Open the blob store; a local folder is made when it is missing. `options` are obstore's, for one far away.

    Raises MisconfiguredError when it cannot be opened, UnreachableError when its disk hangs.
    """
    found = blob_store_of(settings, **options)
    if not isinstance(found, Path):
        return found
    with _opening(blob_url(settings)):
        return blob_folder(found)


def blob_store_of(settings: "Settings", **options: Any) -> "ObjectStore | Path":
    """Return the store that `blobs.url` names, or its folder, which is not looked at. Raises as `blobs` does."""
    from obstore.store import from_url

    url = blob_url(settings)
    with _opening(url):
        return folder_of(url) if url.startswith("file:") else from_url(url, **options)


@contextmanager
def _opening(url: str) -> Iterator[None]:
    from obstore.exceptions import BaseError

    shown = told_url(url)
    try:
        yield
    except OSError as error:  # a folder's; what a store far away raises quotes its settings
        why = f" ({denial(error)})" if error.strerror else ""
        raise MisconfiguredError(
            f"The blob store {shown} cannot be opened{why}: allow our user to write there, or correct `blobs.url`."
        ) from error
    except (BaseError, ValueError):  # whose own text, which `--debug` would show, quotes the address
        raise MisconfiguredError(f"The blob store {shown} cannot be opened: correct `blobs.url`.") from None


def journal_folder(settings: "Settings") -> Path:
    """Return where the receiver keeps what Kafka has not seen yet."""
    return settings.receiver.journal_folder or settings.data_dir / "journal"


def lmtp_journal_folder(settings: "Settings") -> Path:
    """Return where the LMTP server keeps what Kafka has not seen yet."""
    return settings.lmtp.journal_folder or settings.data_dir / "journal-lmtp"


def listener_journal_folder(settings: "Settings", account: str) -> Path:
    """Return where an account that only listens keeps what Kafka has not seen yet."""
    return settings.data_dir / f"journal-of-{account}"


def policy(settings: "Settings") -> "Policy":
    """Return what normalizers may depend on; raises MisconfiguredError for a key, rule or model that cannot be used."""
    from normalizers.base import Policy

    return Policy(
        requester_keys=requester_keys(settings),
        rules=verified_rules(settings),
        category_model=category_model(settings),
        place_model=place_model(settings),
    )


def requester_keys(settings: "Settings") -> dict[str, bytes]:
    """Return the keys of requester hashes, the newest first; raises MisconfiguredError for one that is weak."""
    from normalizers.base import DEMO_KEY, DEMO_KEY_ID

    keys = {
        name: key.get_secret_value().encode() for name, key in sorted(settings.requester_keys.items(), reverse=True)
    }
    if not keys:
        _local_only(settings, "Requester hashes", "HOTLINE_REQUESTER_KEYS__K1")
        keys = {DEMO_KEY_ID: DEMO_KEY}
    for name, key in keys.items():
        _strong(settings, key, DEMO_KEY, f"HOTLINE_REQUESTER_KEYS__{name.upper()}")
    return keys


def query_key(settings: "Settings") -> bytes:
    """Return the key of the 查询码; raises MisconfiguredError for one that is weak."""
    from tickets.policy import DEMO_QUERY_KEY

    if settings.query_key is None:
        _local_only(settings, "Query codes (查询码) and the names of messages", "HOTLINE_QUERY_KEY")
        return DEMO_QUERY_KEY
    key = settings.query_key.get_secret_value().encode()
    _strong(settings, key, DEMO_QUERY_KEY, "HOTLINE_QUERY_KEY")
    return key


def verified_rules(settings: "Settings") -> "Rules":
    """Return the rules of the city; raises MisconfiguredError when it or a file in it cannot be used."""
    from normalizers import rulebooks

    rules, folder = rules_of(settings), settings.rules.folder
    if folder is None:
        return rules
    if not folder.is_dir():
        raise MisconfiguredError(f"`rules.folder` names {folder}, which is not a folder: correct it.")
    rulebooks.verify(rules)
    return rules


def rules_of(settings: "Settings") -> "Rules":
    """Return the rules of the city, whose files nobody has looked at."""
    from normalizers.rules import Rules

    return Rules.load(settings.rules.folder)


def category_model(settings: "Settings") -> "CategoryModel | None":
    """Return the model of the city's own categories; raises MisconfiguredError when it cannot be used."""
    from normalizers.enrich.category import load

    return load(settings.rules.category_model) if settings.rules.category_model else None


def place_model(settings: "Settings") -> "PlaceModel | None":
    """Return the model of the city's own addresses; raises MisconfiguredError when it cannot be used."""
    from normalizers.enrich.address.crf import load

    return load(settings.rules.place_model) if settings.rules.place_model else None


def ticket_policy(settings: "Settings") -> "TicketPolicy":
    """Return what decisions may depend on. Raises as `policy` does."""
    from tickets.policy import TicketPolicy, directories_of, limits_of, near_policy, version_of

    rules = rules_of(settings)
    return TicketPolicy(
        version=version_of(rules),
        query_key=query_key(settings),
        joining=policy(settings),
        near=near_policy(rules),
        limits=limits_of(rules),
        directories=directories_of(rules),
        rules=rules,
        answers=answer_policy(settings),
        command_keys=command_signers.keys_of(settings),
    )


def answer_policy(settings: "Settings") -> "AnswerPolicy":
    """Return which accounts answer, and which addresses are our own."""
    from tickets.receipts.policy import AnswerPolicy

    answering = {name: one for name, one in settings.answers.items() if one.enabled}
    hours = max((one.max_age_hours for one in answering.values()), default=24.0)
    return AnswerPolicy(
        accounts=frozenset(answering),
        own_addresses=frozenset(own_addresses(settings)),
        max_age=timedelta(hours=hours),
    )


def own_addresses(settings: "Settings") -> Iterator[str]:
    """Yield the mail addresses that are ours, in lower case: those we answer from, and those we fetch."""
    for one in settings.answers.values():
        if one.smtp is not None:
            yield one.smtp.from_address.lower()
    for accounts in settings.connectors.sections.values():
        names = (getattr(account, "username", None) for account in accounts.values())
        yield from (name.lower() for name in names if isinstance(name, str) and "@" in name)
    for mailbox in settings.lmtp.mailboxes.values():
        yield from (address.lower() for address in mailbox.recipients if not address.startswith("@"))


def _local_port(settings: "Settings", server: ServerName) -> int:
    known = stack_state.load(settings.data_dir)
    if known is None or server not in known.servers:
        names = {"kafka": "HOTLINE_KAFKA__BOOTSTRAP_SERVERS", "elasticsearch": "HOTLINE_ELASTICSEARCH__HOSTS"}
        raise MisconfiguredError(
            f"There is no {server.capitalize()} to connect to: run `hotline up`, or set {names[server]}."
        )
    if known.supervisor is None and known.servers[server].pid is None:  # another data folder's may have its port by now
        raise StoppedError(f"The local {server.capitalize()} was stopped: run `hotline up`.")
    return known.servers[server].port


def _login(chosen: "ElasticsearchSettings") -> dict[str, Any]:
    options: dict[str, Any] = {}
    if chosen.api_key:
        options["api_key"] = chosen.api_key.get_secret_value()
    elif chosen.username:
        password = chosen.password.get_secret_value() if chosen.password else ""
        options["basic_auth"] = (chosen.username, password)
    if chosen.ca_certs:
        options["ca_certs"] = str(chosen.ca_certs)
    for name, file in (("client_cert", chosen.client_cert), ("client_key", chosen.client_key)):
        if file:
            options[name] = str(file)
    return options


def folder_of(url: str) -> Path:
    """Return the folder of a ``file:`` URL; raises ValueError when it names none."""
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise ValueError("a file URL has three slashes and an absolute path")
    return Path(unquote(parts.path))


def _local_only(settings: "Settings", what: str, variable: str) -> None:
    """The keys of the demo are public: fit for the local stack, and for nothing else."""
    if not settings.is_local:
        raise MisconfiguredError(f"{what} need a key of their own outside of the local stack: set {variable}.")


def _strong(settings: "Settings", key: bytes, demo: bytes, variable: str) -> None:
    if key == demo:
        _local_only(settings, "Requester hashes and query codes", variable)
    elif len(key) < LEAST_KEY_BYTES:
        raise MisconfiguredError(f"The key in {variable} is too short: give it {LEAST_KEY_BYTES} bytes or more.")


# The local Kafka while it is stopped: for who waits for it, or keeps messages meanwhile, it is away as any may be.


class AwayError(UnreachableError, ConnectionRefusedError):
    """Nothing listens, as a closed port says, and it is known what a person should do."""


def stopped_kafka(settings: "Settings") -> KafkaConnection:
    """Return how to reach Kafka, also while the local stack is stopped. Raises as `services.kafka`."""
    try:
        return kafka(settings)
    except StoppedError:
        return _Stopped(bootstrap_servers="", partitions=settings.kafka.partitions, settings=settings)


class _Stopped(KafkaConnection, frozen=True, kw_only=True):
    """Looks where the local Kafka is whenever a client is made: it may come back at other ports."""

    settings: Any

    def client_options(self) -> dict[str, Any]:
        """Return those of the Kafka that was started meanwhile; raises AwayError while none was."""
        try:
            return kafka(self.settings).client_options()
        except StoppedError as error:
            raise AwayError(str(error)) from error
