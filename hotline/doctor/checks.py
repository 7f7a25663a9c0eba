"""Checks of `hotline check`: settings that are well-formed and cannot work. Every fault is one sentence."""

import base64
import binascii
import math
import re
import ssl
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

from broker.tls import present
from hotline.config import clients, errors, routes
from hotline.config.errors import variable_of
from hotline.config.paths import leaves
from hotline.doctor.checks_rules import checks_of_rules_rules as rules
from hotline.doctor.checks_rules import refusal
from hotline.runtime import components
from normalizers import rulebooks
from normalizers.enrich.category import codes
from normalizers.rules import Rules
from schemas import enums
from schemas.errors import MisconfiguredError, UnreachableError
from schemas.host_port import join_host_port
from schemas.ids import is_in_china
from schemas.records.raw import SIZE_LIMIT
from schemas.topics import CHANNELS
from storage.disk_probe import OPEN_SECONDS, in_time

if TYPE_CHECKING:
    from hotline.config.settings import ElasticsearchSettings, KafkaSettings, Settings


# Faults in the settings of Kafka and Elasticsearch, found without a connection.

_SERVER = re.compile(r"(?:[\w.-]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})")


def kafka(settings: "Settings") -> Iterator[str]:
    """Yield contradictions."""
    chosen = settings.kafka
    if chosen.bootstrap_servers is None:
        for name in sorted(chosen.model_fields_set - {"partitions", "replication_factor"}):
            if getattr(chosen, name) is not None:
                yield f"`kafka.{name}` is set without `kafka.bootstrap_servers`: name the brokers, or remove it."
        return
    for server in chosen.bootstrap_servers.split(","):
        if not (found := _SERVER.fullmatch(server.strip())) or not 0 < int(found[1]) < 65536:
            yield f"`kafka.bootstrap_servers` names {server.strip()!r}: write host:port of each broker."
    if "," in chosen.bootstrap_servers and "replication_factor" not in chosen.model_fields_set:
        yield (
            "`kafka.bootstrap_servers` names several brokers and `kafka.replication_factor` is not set, so "
            "each topic would have one replica: set it to 3, or to 1 if that is intended."
        )
    yield from _login(chosen)
    for name in ("ssl_cafile", "ssl_certfile"):
        if getattr(chosen, name) and "SSL" not in chosen.security_protocol:
            yield (
                f"`kafka.{name}` is set and `kafka.security_protocol` is {chosen.security_protocol}, which has no TLS: "
                f"set it to {chosen.security_protocol.replace('PLAINTEXT', 'SSL')}, or remove the file."
            )
    yield from _shown("kafka.ssl_certfile", chosen.ssl_certfile, "kafka.ssl_keyfile", chosen.ssl_keyfile)


def _shown(name: str, certificate: Path | None, key_name: str, key: Path | None) -> Iterator[str]:
    """Check whether the client certificate can be used."""
    if certificate is None:
        if key is not None:
            yield f"`{key_name}` is set without `{name}`: name the certificate, or remove the key."
        return
    try:
        present(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certificate, key, name)
    except MisconfiguredError as error:
        yield str(error)


def _login(chosen: "KafkaSettings") -> Iterator[str]:
    needed = {
        "`kafka.sasl_mechanism`": chosen.sasl_mechanism,
        "`kafka.sasl_username`": chosen.sasl_username,
        "HOTLINE_KAFKA__SASL_PASSWORD": chosen.sasl_password,
    }
    protocol = chosen.security_protocol
    for name, value in needed.items():
        if protocol.startswith("SASL") and value is None:
            yield f"{name} is missing: `kafka.security_protocol` is {protocol}, which requires a login."
        elif not protocol.startswith("SASL") and value is not None:
            yield f"{name} is set and `kafka.security_protocol` is {protocol}, which has no login: set it to SASL_SSL."


def elasticsearch(settings: "Settings") -> Iterator[str]:
    """Yield contradictions."""
    chosen = settings.elasticsearch
    urls = [urlsplit(host) for host in chosen.hosts]
    for host, url in zip(chosen.hosts, urls, strict=True):
        yield from _host(host, url)
    if chosen.ca_certs and not any(url.scheme == "https" for url in urls):
        yield "`elasticsearch.ca_certs` is set but no host uses TLS: write https:// in `elasticsearch.hosts`."
    if chosen.client_cert and not any(url.scheme == "https" for url in urls):
        yield "`elasticsearch.client_cert` is set but no host uses TLS: write https:// in `elasticsearch.hosts`."
    yield from _shown("elasticsearch.client_cert", chosen.client_cert, "elasticsearch.client_key", chosen.client_key)
    yield from _credentials(chosen)


def _host(host: str, url: SplitResult) -> Iterator[str]:
    if "@" in host:  # not shown: it would be logged
        yield (
            "`elasticsearch.hosts` contains a password: remove it there, and set `elasticsearch.username` "
            "and HOTLINE_ELASTICSEARCH__PASSWORD."
        )
    elif url.scheme not in ("http", "https") or not url.hostname or not _has_port(url):
        yield f"`elasticsearch.hosts` names {host!r}: write https://host:9200."


def _has_port(url: SplitResult) -> bool:
    try:
        return url.port is not None
    except ValueError:
        return False


def _credentials(chosen: "ElasticsearchSettings") -> Iterator[str]:
    if chosen.api_key and (chosen.username or chosen.password):
        yield "Elasticsearch has an API key and also a username or password: remove one of them."
    elif bool(chosen.username) != bool(chosen.password):
        missing = "HOTLINE_ELASTICSEARCH__PASSWORD" if chosen.username else "`elasticsearch.username`"
        yield f"{missing} is missing: Elasticsearch needs a username and a password, or an API key."
    if chosen.api_key and not _is_api_key(chosen.api_key.get_secret_value()):
        yield (
            "HOTLINE_ELASTICSEARCH__API_KEY is not an API key: use the `encoded` value of Elasticsearch, "
            "which is id:key in base64."
        )


def _is_api_key(text: str) -> bool:
    try:
        return b":" in base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False


# Checks of single values: invalid hosts, endless times, too little room.

_NO_HOST = re.compile(r"://|[\s/@]|^[^:]*:[^:]*$")
"""Characters of an address that was copied whole, and of no host (IPv6 has at least two colons)."""

_LONGEST_SECONDS = 1e9
"""Thirty years; far longer ones are no times that a clock can reckon with."""

_LEAST_BODY_BYTES = 16 * 1024
"""A citizen's longest words by a callback, encrypted, with room to spare."""

_ENVELOPE_BYTES = 64 * 1024
"""Most bytes that a journal stores beside a body."""

_ANY_BYTES = ("requester_keys", "query_key")
"""Keys that are no names and stay unchanged."""


def hosts(settings: "Settings") -> Iterator[str]:
    """Find whole addresses in the place of a host."""
    for keys, value in leaves(settings):
        if keys[-1] in ("host", "reply_host") and isinstance(value, str) and _NO_HOST.search(value):
            yield f"`{'.'.join(keys)}` names {value!r}: write only the host, such as imap.example.cn."


def times(settings: "Settings") -> Iterator[str]:
    """Find times that never end: TOML knows `inf`, and a clock does not."""
    for keys, value in leaves(settings):
        is_time = keys[-1].endswith("_seconds") or keys[-2:-1] == ("silent_after",)
        if is_time and isinstance(value, float | int) and not (math.isfinite(value) and value <= _LONGEST_SECONDS):
            yield f"`{'.'.join(keys)}` is {value:g} seconds, longer than thirty years: choose a shorter time."


def names(settings: "Settings") -> Iterator[str]:
    """Find limits of unknown accounts: they would have no effect."""
    known = {name for accounts in settings.connectors.sections.values() for name in accounts}
    for name in settings.floods.accounts:
        if name not in known:
            yield f"`floods.accounts.{name}` is not the name of an account: correct it, or remove it."
    for name in settings.telemetry.silent_after:
        if name not in known | settings.lmtp.mailboxes.keys() | set(CHANNELS):
            yield f"`telemetry.silent_after.{name}` is neither an account nor a channel: correct it, or remove it."


def rooms(settings: "Settings") -> Iterator[str]:
    """Find limits below the size of a message: each would be refused, or fit into no journal."""
    for keys, value in leaves(settings):
        if keys[-1] == "body_max_bytes" and value < _LEAST_BODY_BYTES:
            yield (
                f"`{'.'.join(keys)}` is {value}, but a message may have {_LEAST_BODY_BYTES} bytes: set it "
                "to that or more, or remove it."
            )
    for name, room, body in (
        ("receiver", settings.receiver.journal_max_bytes, _largest_body(settings)),
        ("lmtp", settings.lmtp.journal_max_bytes, SIZE_LIMIT),
    ):
        if room < body + _ENVELOPE_BYTES:
            yield (
                f"`{name}.journal_max_bytes` is {room}, but one message may need {body + _ENVELOPE_BYTES} "
                "bytes and would be refused while Kafka is unavailable: set it to many times that, or "
                "remove it."
            )


def _largest_body(settings: "Settings") -> int:
    """Return how many bytes a request to the receiver may have."""
    sizes: list[int] = [value for keys, value in leaves(settings) if keys[-1] == "body_max_bytes"]
    return max(sizes)


def secrets(settings: "Settings") -> Iterator[str]:
    """Find passwords and tokens with a line end or another invisible character, as an editor may leave one."""
    for keys, value in leaves(settings):
        listed = value if isinstance(value, tuple) else (value,)
        texts = [one.get_secret_value() for one in listed if isinstance(one, SecretStr)]
        if keys[0] not in _ANY_BYTES and not all(text.isprintable() for text in texts):
            yield f"{variable_of(keys)} contains a line end or another invisible character: write it again."


def filters(settings: "Settings") -> Iterator[str]:
    """Find words in a subscriber's filter that no ticket can have: it would get nothing, without an error."""
    known = _categories(clients.rules_of(settings))
    for subscriber, one in settings.sinks.webhook.items():
        where = f"sinks.webhook.{subscriber}.filter"
        for status in sorted(set(one.filter.statuses) - set(enums.STATUSES)):
            known_ones = ", ".join(enums.STATUSES)
            yield f"`{where}.statuses` names {status}, which is not a 办理状态: choose from {known_ones}."
        for name in sorted(set(one.filter.categories) & set(known)):
            yield f"`{where}.categories` names {name}: use its code, {known[name]}."


def _categories(rules: Rules) -> dict[str, str]:
    """Return the codes of the categories by their names; empty for invalid rules, which another check reports."""
    with suppress(MisconfiguredError):
        rulebooks.verify_one(rules, "category")
        return codes(rules)
    return {}


LOOKS = (hosts, times, names, rooms, secrets, filters)


T = TypeVar("T")

FOLDER_SUFFIXES = ("_dir", "_folder")
"""Suffixes of settings that name a folder to write to."""

CALL_FILES = ("connectors", "call_files")
"""Its paths name folders that others write to."""

CERTIFICATE_SUFFIXES = ("cafile", "ca_certs")
"""Suffixes of settings that name a file of certificates."""

_ALL_ADDRESSES = {"0.0.0.0", "::"}  # noqa: S104 - looked for, not listened on


def faults(settings: "Settings") -> list[str]:
    """Return the faults of well-formed settings, without connecting anywhere or writing anything."""
    return list(dict.fromkeys(fault for look in _LOOKS for fault in look(settings)))


def faults_of_the_rest(settings: "Settings") -> list[str]:
    """Return the faults of settings of which a part could not be read; checks that need that part are left out."""
    return list(dict.fromkeys(fault for look in _LOOKS for fault in _of_the_rest(look, settings)))


def _of_the_rest(look: "Look", settings: "Settings") -> Iterator[str]:
    """Run a check again without the accounts whose settings are incomplete, if it needs those."""
    with suppress(AttributeError):
        try:
            yield from look(settings)
        except AttributeError:
            yield from look(errors.whole(settings))


def _keys(settings: "Settings") -> Iterator[str]:
    for look in (clients.requester_keys, clients.query_key):
        yield from refusal(look, settings)


def _command_keys(settings: "Settings") -> Iterator[str]:
    """A host may lack the secrets of others' keys, and all hosts have the same file: only existing secrets are
    checked.
    """
    systems = {one.system for one in settings.backoffice.values()}
    signed = {one for key in settings.command_keys.values() for one in key.systems}
    if (settings.command_keys or not settings.is_local) and systems - signed:
        missing = ", ".join(sorted(systems - signed))
        yield f"`command_keys` has no key that signs for the back offices of {missing}: add one with these `systems`."


def _blobs(settings: "Settings") -> Iterator[str]:
    yield from refusal(clients.blob_store_of, settings)


def _paths(settings: "Settings") -> Iterator[str]:
    for keys, value in leaves(settings):
        name = ".".join(keys)
        if isinstance(value, Path) and keys[:2] == CALL_FILES:
            yield from _looked_at(_others_folder, name, value)
        elif isinstance(value, Path) and name.endswith(FOLDER_SUFFIXES):
            yield from _looked_at(_folder, name, value)
        elif isinstance(value, Path) and name == "console.users_file":
            yield from _looked_at(_folder, name, value.parent)
        elif isinstance(value, Path) and name.endswith(CERTIFICATE_SUFFIXES):
            yield from _certificates(name, value)
        elif isinstance(value, Path) and keys[-1].endswith("token_file") and not value.is_file():
            yield (
                f"`{name}` names {value}, which is not a file: start the program that writes it, or correct the name."
            )


def _certificates(name: str, file: Path) -> Iterator[str]:
    if not file.is_file():
        yield f"`{name}` names {file}, which is not a file: correct it."
        return
    try:
        ssl.create_default_context(cafile=file)
    except ssl.SSLError:
        yield f"`{name}` names {file}, which contains no PEM certificates: correct it."
    except OSError as error:
        yield f"`{name}` names {file}, which cannot be read ({error.strerror}): let this user read it."


def _looked_at(look: Callable[[str, Path], Iterator[str]], name: str, folder: Path) -> Iterator[str]:
    """Yield the result of a look at a folder, or that its disk hangs."""
    try:
        yield from in_time(lambda: list(look(name, folder)), f"`{name}` ({folder})", OPEN_SECONDS)
    except UnreachableError as error:
        yield str(error)


def _folder(name: str, folder: Path) -> Iterator[str]:
    """A folder may be created when needed; anything else in its place is a fault."""
    there = next(path for path in (folder.expanduser(), *folder.expanduser().absolute().parents) if path.exists())
    if not there.is_dir():
        yield f"`{name}` names {folder}, but {there} is a file: correct it."


def _others_folder(name: str, folder: Path) -> Iterator[str]:
    """A folder that others fill is never created here: without it the connector would wait for ever."""
    if not folder.is_dir():
        yield (
            f"`{name}` names {folder}, which is not a folder: correct it, or create the folder for the program "
            "that writes there."
        )


def _cities(settings: "Settings") -> Iterator[str]:
    """Look at each city, and at that of the settings in its own place alone: accounts that name none have it."""
    of_all = getattr(settings, "jurisdiction", None)
    for keys, value in leaves(settings):
        if keys[-1] == "jurisdiction" and len(keys) > 1 and value == of_all:
            continue
        cities = {"jurisdiction": [value], "jurisdictions": value}.get(keys[-1], ())
        for city in (city for city in cities if city and not is_in_china(city)):
            yield f"`{'.'.join(keys)}` is {city}, which is not a 行政区划代码: no province begins with {city[:2]}."


def _own_city(settings: "Settings") -> Iterator[str]:
    """Outside of the local stack the city must be set: the default would be in every number and id."""
    if not settings.is_local and "jurisdiction" not in settings.model_fields_set:
        yield (
            "`jurisdiction` is missing, so outside of the local stack every ticket of an account without a "
            f"city would have {settings.jurisdiction}: set your 行政区划代码."
        )


def _proxies(settings: "Settings") -> Iterator[str]:
    """Check whether citizens can be told apart: behind an unnamed proxy they share one address's limits."""
    forms = [name for name, account in settings.connectors.web.items() if account.form]
    if forms and not settings.is_local and not settings.receiver.trusted_proxies:
        yield (
            f"`receiver.trusted_proxies` is empty, so all citizens at the form of `connectors.web.{forms[0]}` would "
            "count as one: name the proxy before the receiver (127.0.0.1 if there is none)."
        )


def _wechat(settings: "Settings") -> Iterator[str]:
    for appid in _twice(account.appid for account in settings.connectors.wechat.values()):
        yield f"Two WeChat accounts have the appid {appid}, so each message would arrive twice: remove one of them."
    companies = settings.connectors.wecom.values()
    for kfid in _twice(kfid for account in companies for kfid in dict.fromkeys(account.open_kfids)):
        yield (
            f"Two WeCom accounts (企业微信) name {kfid} in `open_kfids`, so each message would arrive twice: "
            "remove it from one of them."
        )


def _members(settings: "Settings") -> Iterator[str]:
    """Check whether a sender to an application of 企业微信 can be answered; 微信客服 answers without it."""
    for name, account in settings.connectors.wecom.items():
        if name in settings.answers and account.agent_id is None and not account.open_kfids:
            yield (
                f"`connectors.wecom.{name}.agent_id` is missing, so members who write to the application "
                "get no receipt: set it, or name the 客服账号 in `open_kfids` if everyone writes to 微信客服."
            )


def _smpp(settings: "Settings") -> Iterator[str]:
    accounts = settings.connectors.sms_smpp.values()
    for host, port, system_id in _twice((one.host.lower(), one.port, one.system_id) for one in accounts):
        yield (
            f"Two SMPP accounts are {system_id} at {join_host_port(host, port)}. A message that is sent "
            "again over the other one would count as a new one: remove one account, and set `binds` of the "
            "other."
        )


def _cmpp(settings: "Settings") -> Iterator[str]:
    accounts = settings.connectors.sms_cmpp.values()
    for host, port, source in _twice((one.host.lower(), one.port, one.source) for one in accounts):
        where = join_host_port(host, port)
        yield f"Two CMPP accounts are {source} at {where}: their logins would end each other, so remove one."


def _mailboxes(settings: "Settings") -> Iterator[str]:
    for (one, left), (other, right) in combinations(settings.connectors.mailbox.items(), 2):
        same = (left.host.lower(), left.username) == (right.host.lower(), right.username)
        if same and (shared := sorted(set(left.folders) & set(right.folders))):
            yield (
                f"The mailboxes {one} and {other} read the same folder {shared[0]} of one account, so each "
                "mail would arrive twice: remove it from one of them."
            )
    known = {name for accounts in settings.connectors.sections.values() for name in accounts}
    for name in sorted(known & settings.lmtp.mailboxes.keys()):
        yield f"The id {name} names an account of `connectors` and one of `lmtp.mailboxes`: rename one of them."
    for name, account in settings.connectors.mailbox.items():
        for folder in _twice(account.folders):
            yield f"`connectors.mailbox.{name}.folders` names {folder} twice: remove one."


def _ports(settings: "Settings") -> Iterator[str]:
    """`run all` gives every process a port of its own for its health, counting upwards."""
    yield from _doors(settings)
    first, last = settings.telemetry.port, settings.telemetry.port_of(len(components.names(settings)))
    if not first:
        return
    if last > 65535:
        yield f"`telemetry.port` is {first} and `run all` would count up to {last}: choose a lower one."
    for name, port in (("receiver", settings.receiver.port), ("lmtp", settings.lmtp.port)):
        if name in components.names(settings) and first <= port <= last:
            yield (
                f"`{name}.port` {port} is one of the ports {first} to {last} of the processes' health: "
                "change it, or `telemetry.port`."
            )


def _doors(settings: "Settings") -> Iterator[str]:
    """The receiver and LMTP may share a port on two addresses of a machine, if neither is "all addresses"."""
    one, other = settings.receiver, settings.lmtp
    same = one.host == other.host or not _ALL_ADDRESSES.isdisjoint((one.host, other.host))
    if {"receiver", "lmtp"} <= set(components.names(settings)) and same and one.port == other.port != 0:
        yield f"`receiver.port` and `lmtp.port` are both {one.port}: change one of them."


def _twice(values: Iterable[T]) -> list[T]:
    known: set[Hashable] = set()
    return [value for value in values if value in known or known.add(value)]  # type: ignore[func-returns-value] # a set's add


Look = Callable[["Settings"], Iterable[str]]

_LOOKS: tuple[Look, ...] = (
    kafka, elasticsearch, _keys, _command_keys, rules, _blobs, _paths, _cities, _own_city, routes.faults,
    *LOOKS, _proxies, _wechat, _members, _smpp, _cmpp, _mailboxes, _ports,
)  # fmt: skip
