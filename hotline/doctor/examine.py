"""Runs all checks in turn; an error of one never prevents the next."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from connectors.registry import DOORS
from hotline.config import command_signers
from hotline.doctor import checks
from hotline.doctor.accounts import cmpp, mailbox, smpp, smtp, wechat, weibo
from hotline.doctor.calls import asterisk, call_files
from hotline.doctor.clock import CLOCKS, clock
from hotline.doctor.elastic import examine_elasticsearch, examine_searches, examine_watch
from hotline.doctor.findings import Finding, Told, findings
from hotline.doctor.kafka import examine_kafka
from hotline.doctor.neighbours import other_installations
from hotline.doctor.storage import blobs, disks
from hotline.doctor.subscribers import subscriber
from hotline.runtime import components as wiring
from hotline.runtime import components_console, components_media
from hotline.runtime.acls import DESK, OPERATOR, PEOPLE
from schemas.command_signature import Signer
from schemas.enums import counted
from schemas.errors import MisconfiguredError

if TYPE_CHECKING:
    from hotline.config.settings import Settings

_WRITERS = ("sink:elastic", "eraser")
"""Prefixes of components that write into the archive."""

_ACCOUNTS: Mapping[str, tuple[str, Callable[["Settings", str], Iterator[Told]]]] = {
    "mailbox": ("mailbox", mailbox),
    "sms_smpp": ("SMPP", smpp),
    "sms_cmpp": ("CMPP", cmpp),
    "asterisk": ("Asterisk", asterisk),
    "call_files": ("call files", call_files),
    "weibo_pull": ("weibo", weibo),
}
"""Check and name of an account's section, for accounts that fetch messages."""


def examine(settings: "Settings", components: Iterable[str] = ()) -> Iterator[Finding]:
    """Connect to every service of these components and yield findings as they come; by default of all components."""
    components = list(components)
    chosen = _chosen(settings, components)
    answering: set[str] = set()
    if not {DESK, OPERATOR}.isdisjoint(components):  # no component needs everything that a host may run
        yield from findings("commands", lambda: _person(settings))
    for finding in _services(settings, chosen):
        if finding.outcome == "ok":
            answering.add(finding.name)
        yield finding
    yield from findings("clock", lambda: clock(settings, [name for name in CLOCKS if name in answering]))


def _services(settings: "Settings", chosen: Collection[str]) -> Iterator[Finding]:
    yield from findings("settings", lambda: _settings(settings))
    if looks := [look for names, look in _SIGNERS if not names.isdisjoint(chosen)]:
        yield from findings("commands", lambda: (told for look in looks for told in look(settings)))
    yield from examine_kafka(settings, chosen)
    yield from _archive(settings, chosen)
    yield from findings("blob store", lambda: blobs(settings))
    yield from findings("disk", lambda: disks(settings))
    yield from findings("processes", lambda: other_installations(settings))
    for section, (called, look) in _ACCOUNTS.items():
        for name in settings.connectors.sections[section]:
            if f"connector:{name}" in chosen:
                yield from findings(f"{called} {name}", partial(look, settings, name))
    if "fetcher" in chosen:
        for section, name, api in components_media.apis(settings):
            yield from findings(f"{section} {name}", partial(wechat, api, name, section))
    if "outbox" in chosen:
        for name in (name for name, one in settings.answers.items() if one.smtp):
            yield from findings(f"answers {name}", partial(smtp, settings, name))
    if not _SHOWN.isdisjoint(chosen):
        yield from findings("console", lambda: _who_signs_in(settings))
    if "sink:webhook" in chosen:
        for name in settings.sinks.webhook:
            yield from findings(f"webhook {name}", partial(subscriber, settings, name))


def _archive(settings: "Settings", chosen: Collection[str]) -> Iterator[Finding]:
    writes = any(name.startswith(_WRITERS) for name in chosen)
    if writes or not set(PEOPLE).isdisjoint(chosen):
        yield from examine_elasticsearch(settings, writes=writes, searches="eraser" in chosen)
        return
    if "monitor" in chosen:  # without the right to ask, it would always report Elasticsearch as away, or see nothing
        yield from examine_watch(settings)
    has_door = "receiver" in chosen and any(settings.connectors.sections[section] for section in DOORS)
    is_shown = not _SHOWN.isdisjoint(chosen)
    if has_door or is_shown:
        yield from examine_searches(settings, "the console" if is_shown else "the web form")


def _chosen(settings: "Settings", components: Iterable[str]) -> list[str]:
    known = [*wiring.names(settings), *PEOPLE]
    chosen = list(components) or known
    for name in chosen:
        if name not in known:
            raise MisconfiguredError(f"There is no component {name}: choose from {', '.join(known)}.")
    return chosen


def _keys(settings: "Settings") -> Iterator[Told]:
    """Look whether `assign` knows every sender of commands, and none that is unsigned."""
    faults = command_signers.missing(settings)
    if (told := command_signers.transition(settings, datetime.now(UTC))) is not None:
        faults.append(told)
    yield from map(MisconfiguredError, faults)
    if not faults:
        yield f"{counted(len(settings.command_keys), 'key')} for commands"


def _door(settings: "Settings") -> Iterator[Told]:
    if settings.backoffice:
        yield from _signs(command_signers.signer_of_door(settings))


def _console(settings: "Settings") -> Iterator[Told]:
    yield from _signs(command_signers.signer_of_console(settings))


def _desk(settings: "Settings") -> Iterator[Told]:
    yield from _signs(command_signers.signer_of_desk(settings))


def _who_signs_in(settings: "Settings") -> Iterator[Told]:
    known = [one for one in components_console.users(settings).all().values() if one.password]
    if not known and settings.console.oidc is None:
        yield MisconfiguredError("Nobody may sign in: run `hotline console user add`, or set `console.oidc`.")
    elif known:
        yield f"{counted(len(known), 'local user')}"
    if settings.console.oidc is not None:
        yield f"sign-in by {settings.console.oidc.issuer}"


def _person(settings: "Settings") -> Iterator[Told]:
    yield from _signs(command_signers.signer_of_person(settings))


def _signs(signer: Signer | None) -> Iterator[Told]:
    yield f"signed by {signer.key_id}" if signer else "not signed: a local installation without keys"


_SHOWN = frozenset({"console", "console:desk"})

_SIGNERS: tuple[tuple[frozenset[str], Callable[["Settings"], Iterator[Told]]], ...] = (
    (frozenset({"assign"}), _keys),
    (frozenset({"receiver"}), _door),
    (frozenset({"console"}), _console),
    (frozenset({"console:desk"}), _desk),
)


def _settings(settings: "Settings") -> Iterator[Told]:
    found = checks.faults(settings)
    yield from map(MisconfiguredError, found)
    if not found:
        yield str(settings.file or "the defaults")
