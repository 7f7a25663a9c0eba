"""What `hotline check` and `hotline doctor` look at; every fault is one sentence with the next action."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from hotline import services
from schemas.errors import MisconfiguredError, PipelineError

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
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice:
        raise MisconfiguredError(f"Two WeChat accounts have the path {twice}: give each a `path` of its own.")


def _named_files(settings: "Settings") -> Iterator[tuple[str, Path | None]]:
    yield "kafka.ssl_cafile", settings.kafka.ssl_cafile
    yield "elasticsearch.ca_certs", settings.elasticsearch.ca_certs
    for name, account in settings.connectors.mailbox.items():
        file = account.ssl_cafile
        yield f"connectors.mailbox.{name}.ssl_cafile", Path(file) if file else None
