"""What `hotline check` and `hotline doctor` look at; every fault is one sentence with the next action."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from connectors.backoffice.settings import PATH
from hotline import services
from hotline.provision import Provision
from schemas.elastic import indices
from schemas.errors import FatalError, MisconfiguredError, PipelineError, UnreachableError

if TYPE_CHECKING:
    from hotline.settings import Settings

OLDEST_ELASTICSEARCH = (8, 19)
CLOCK_SECONDS = 30.0
PROBE = "doctor/probe"

Outcome = Literal["ok", "wait", "mend"]
"""`wait` is a fault of the surroundings, `mend` is one that a person must mend."""


class Finding(Struct, frozen=True, kw_only=True):
    """One line of the checklist."""

    name: str
    outcome: Outcome = "ok"
    detail: str


def faults(settings: "Settings") -> list[str]:
    """Return what cannot work in settings that can be read, without connecting anywhere."""
    return [
        str(error)
        for look in (services.policy, services.ticket_policy, _files, _paths)
        if (error := _fault(look, settings))
    ]


def _fault(look: Callable[["Settings"], Any], settings: "Settings") -> PipelineError | None:
    try:
        look(settings)
    except PipelineError as error:
        return error
    return None


def _files(settings: "Settings") -> None:
    for name, path in _named_files(settings):
        if path is not None and not path.is_file():
            raise MisconfiguredError(f"`{name}` names {path}, which is no file: correct it.")


def _paths(settings: "Settings") -> None:
    paths = [account.path for account in settings.connectors.wechat.values()]
    if settings.backoffice and any(path == PATH or path.startswith(f"{PATH}/") for path in paths):
        raise MisconfiguredError(f"A WeChat account has the path {PATH} of the commands: give it another `path`.")
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice:
        raise MisconfiguredError(f"Two WeChat accounts have the path {twice}: give each a `path` of its own.")


def _named_files(settings: "Settings") -> Iterator[tuple[str, Path | None]]:
    yield "kafka.ssl_cafile", settings.kafka.ssl_cafile
    yield "elasticsearch.ca_certs", settings.elasticsearch.ca_certs
    for name, account in settings.connectors.mailbox.items():
        file = account.ssl_cafile
        yield f"connectors.mailbox.{name}.ssl_cafile", Path(file) if file else None


def examine(settings: "Settings") -> Iterator[Finding]:
    """Connect to everything in turn and yield what was found, as it is found."""
    for name, look in _examinations(settings):
        try:
            yield Finding(name=name, detail=look())
        except PipelineError as error:
            yield Finding(name=name, outcome="mend" if isinstance(error, FatalError) else "wait", detail=str(error))


def _examinations(settings: "Settings") -> Iterator[tuple[str, Callable[[], str]]]:
    yield "settings", lambda: _settings(settings)
    yield "Kafka", lambda: _kafka(settings)
    yield "topics", lambda: _topics(settings)
    yield "Elasticsearch", lambda: asyncio.run(_with_elasticsearch(settings, _version))
    yield "indices", lambda: asyncio.run(_with_elasticsearch(settings, _indices))
    yield "blob store", lambda: _blobs(settings)
    yield "clock", lambda: _clock(settings)
    for name in settings.connectors.mailbox:
        yield f"mailbox {name}", lambda name=name: _mailbox(settings, name)  # type: ignore[misc] # binds the loop's name


def _settings(settings: "Settings") -> str:
    found = faults(settings)
    if found:
        raise MisconfiguredError(found[0])
    return str(settings.file or "the defaults")


def _kafka(settings: "Settings") -> str:
    connection = services.kafka(settings)
    found = Provision(connection).describe()
    return f"{connection.bootstrap_servers} answers, {len(found)} topics of ours"


def _topics(settings: "Settings") -> str:
    differences = Provision(services.kafka(settings)).differences()
    missing = [one for one in differences if one.found is None]
    if missing:
        raise MisconfiguredError(f"{len(missing)} topics do not exist: run `hotline topics create`.")
    if differences:
        raise MisconfiguredError(f"{differences[0]} ({len(differences)} in all): see `hotline topics describe`.")
    return "as they should be"


async def _with_elasticsearch(settings: "Settings", look: Callable[[Any], Awaitable[str]]) -> str:
    from sinks.elastic.errors import translated

    client = services.elasticsearch(settings)
    try:
        with translated():
            return await look(client.options(max_retries=0, request_timeout=10))
    finally:
        await client.close()


async def _version(client: Any) -> str:
    number = (await client.info())["version"]["number"]
    if tuple(int(part) for part in number.split(".")[:2]) < OLDEST_ELASTICSEARCH:
        raise MisconfiguredError(f"Elasticsearch is {number}: use 8.19 or newer.")
    status = (await client.cluster.health())["status"]
    if status == "red":
        raise UnreachableError(f"Elasticsearch {number} is red, some of its data is away: see its logs.")
    return f"{number}, {status}"


async def _indices(client: Any) -> str:
    """A monthly index is born with its first document; its template must be there before."""
    for index in indices().values():
        there = (
            await client.indices.exists_index_template(name=index.alias)
            if index.first is None
            else await client.indices.exists_alias(name=index.alias)
        )
        if not there:
            raise MisconfiguredError(f"The index {index.alias} does not exist: run `hotline index create`.")
    return f"{len(indices())} are there"


def _blobs(settings: "Settings") -> str:
    written, _ = _probe(settings)
    return f"{services.blob_url(settings)} takes and gives {written} bytes"


def _clock(settings: "Settings") -> str:
    """Compare our clock with the blob store's: signatures of WeChat and of S3 fail when it is wrong."""
    before = datetime.now(UTC)
    _, stored_at = _probe(settings)
    off = max((before - stored_at).total_seconds(), (stored_at - datetime.now(UTC)).total_seconds())
    if off > CLOCK_SECONDS:
        raise MisconfiguredError(f"This machine's clock is {off:.0f} s away from the blob store's: synchronise it.")
    return f"{before.isoformat(timespec='seconds')}"


def _probe(settings: "Settings") -> tuple[int, datetime]:
    from obstore.exceptions import BaseError

    store = services.blobs(settings)
    value = b"hotline doctor"
    try:
        store.put(PROBE, value)
        got = store.get(PROBE)
        same, stored_at = bytes(got.bytes()) == value, got.meta["last_modified"]
        store.delete(PROBE)
    except (BaseError, OSError) as error:
        raise UnreachableError(
            f"The blob store refuses ({type(error).__name__}): check `blobs.url` and rights."
        ) from error
    if not same:
        raise MisconfiguredError("The blob store gives other bytes than it took: choose another one.")
    return len(value), stored_at


def _mailbox(settings: "Settings", name: str) -> str:
    from hotline.wiring import mailbox

    connector = mailbox(settings, name)
    try:
        connector.open()
    finally:
        connector.close()
    return "the login works"
