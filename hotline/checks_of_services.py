"""What cannot work in the settings of Kafka and Elasticsearch, told without connecting to them."""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from hotline.sections import ElasticsearchSettings, KafkaSettings
    from hotline.settings import Settings

_SERVER = re.compile(r"(?:[\w.-]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})")


def kafka(settings: "Settings") -> Iterator[str]:
    """Yield what contradicts itself."""
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
            "`kafka.bootstrap_servers` names several brokers and `kafka.replication_factor` is not set, so that each "
            "topic would have one copy: set it to 3, or to 1 if that is meant."
        )
    yield from _login(chosen)
    if chosen.ssl_cafile and "SSL" not in chosen.security_protocol:
        yield (
            f"`kafka.ssl_cafile` is set and `kafka.security_protocol` is {chosen.security_protocol}, which has no TLS: "
            f"set it to {chosen.security_protocol.replace('PLAINTEXT', 'SSL')}, or remove the file."
        )


def _login(chosen: "KafkaSettings") -> Iterator[str]:
    needed = {
        "`kafka.sasl_mechanism`": chosen.sasl_mechanism,
        "`kafka.sasl_username`": chosen.sasl_username,
        "HOTLINE_KAFKA__SASL_PASSWORD": chosen.sasl_password,
    }
    protocol = chosen.security_protocol
    for name, value in needed.items():
        if protocol.startswith("SASL") and value is None:
            yield f"{name} is missing: `kafka.security_protocol` is {protocol}, which wants a login."
        elif not protocol.startswith("SASL") and value is not None:
            yield f"{name} is set and `kafka.security_protocol` is {protocol}, which has no login: set it to SASL_SSL."


def elasticsearch(settings: "Settings") -> Iterator[str]:
    """Yield what contradicts itself."""
    chosen = settings.elasticsearch
    urls = [urlsplit(host) for host in chosen.hosts]
    for host, url in zip(chosen.hosts, urls, strict=True):
        yield from _host(host, url)
    if chosen.ca_certs and not any(url.scheme == "https" for url in urls):
        yield "`elasticsearch.ca_certs` is set and no host has TLS: write https:// in `elasticsearch.hosts`."
    yield from _credentials(chosen)


def _host(host: str, url: SplitResult) -> Iterator[str]:
    if "@" in host:  # not shown: it would be logged
        yield (
            "`elasticsearch.hosts` holds a password: remove it there, and set `elasticsearch.username` and "
            "HOTLINE_ELASTICSEARCH__PASSWORD."
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
        yield "Elasticsearch has an API key and a username or password: remove one or the other."
    elif bool(chosen.username) != bool(chosen.password):
        missing = "HOTLINE_ELASTICSEARCH__PASSWORD" if chosen.username else "`elasticsearch.username`"
        yield f"{missing} is missing: Elasticsearch wants a name and a password, or an API key."
    if chosen.api_key and not _is_api_key(chosen.api_key.get_secret_value()):
        yield (
            "HOTLINE_ELASTICSEARCH__API_KEY is no API key: take what Elasticsearch calls `encoded`, which is "
            "id:key in base64."
        )


def _is_api_key(text: str) -> bool:
    try:
        return b":" in base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
