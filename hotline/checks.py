"""What `hotline check` looks at: settings that can be read and still cannot work. Every fault is one sentence."""

import ssl
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hotline import checks_of_values, partial, paths, services, wiring
from hotline.checks_of_rules import refusal, rules
from hotline.checks_of_services import elasticsearch, kafka
from hotline.hung import OPEN_SECONDS, in_time
from hotline.settings_shape import leaves
from schemas.errors import UnreachableError
from schemas.ids import is_in_china

if TYPE_CHECKING:
    from hotline.settings import Settings

T = TypeVar("T")

FOLDER_SUFFIXES = ("_dir", "_folder")
"""How the names of settings end that name a folder to write to."""

CALL_FILES = ("connectors", "call_files")
"""Its paths name folders that others write to."""

CERTIFICATE_SUFFIXES = ("cafile", "ca_certs")
"""How the names of settings end that name a file of certificates."""

_ALL_ADDRESSES = {"0.0.0.0", "::"}  # noqa: S104 - looked for, not listened on


def faults(settings: "Settings") -> list[str]:
    """Return what cannot work in settings that can be read, without connecting anywhere or writing anything."""
    return list(dict.fromkeys(fault for look in _LOOKS for fault in look(settings)))


def faults_of_the_rest(settings: "Settings") -> list[str]:
    """Return the same of settings of which something could not be read; what depends on that says nothing."""
    return list(dict.fromkeys(fault for look in _LOOKS for fault in _of_the_rest(look, settings)))


def _of_the_rest(look: "Look", settings: "Settings") -> Iterator[str]:
    """Take a look that asks for what could not be read once more, without the accounts that lack something."""
    with suppress(AttributeError):
        try:
            yield from look(settings)
        except AttributeError:
            yield from look(partial.whole(settings))


def _keys(settings: "Settings") -> Iterator[str]:
    for look in (services.requester_keys, services.query_key):
        yield from refusal(look, settings)


def _command_keys(settings: "Settings") -> Iterator[str]:
    """A host may lack the secrets of others' keys, and all have the same file: only what stands there is looked at."""
    systems = {one.system for one in settings.backoffice.values()}
    signed = {one for key in settings.command_keys.values() for one in key.systems}
    if (settings.command_keys or not settings.is_local) and systems - signed:
        missing = ", ".join(sorted(systems - signed))
        yield f"`command_keys` has no key that signs for the back offices of {missing}: add one with these `systems`."


def _blobs(settings: "Settings") -> Iterator[str]:
    yield from refusal(services.blob_store_of, settings)


def _paths(settings: "Settings") -> Iterator[str]:
    for keys, value in leaves(settings):
        name = ".".join(keys)
        if isinstance(value, Path) and keys[:2] == CALL_FILES:
            yield from _looked_at(_others_folder, name, value)
        elif isinstance(value, Path) and name.endswith(FOLDER_SUFFIXES):
            yield from _looked_at(_folder, name, value)
        elif isinstance(value, Path) and name.endswith(CERTIFICATE_SUFFIXES):
            yield from _certificates(name, value)
        elif isinstance(value, Path) and keys[-1].endswith("token_file") and not value.is_file():
            yield f"`{name}` names {value}, which is no file: start what writes it, or correct the name."


def _certificates(name: str, file: Path) -> Iterator[str]:
    if not file.is_file():
        yield f"`{name}` names {file}, which is no file: correct it."
        return
    try:
        ssl.create_default_context(cafile=file)
    except ssl.SSLError:
        yield f"`{name}` names {file}, which holds no certificates in PEM form: correct it."
    except OSError as error:
        yield f"`{name}` names {file}, which cannot be read ({error.strerror}): let this user read it."


def _looked_at(look: Callable[[str, Path], Iterator[str]], name: str, folder: Path) -> Iterator[str]:
    """Yield what a look at a folder finds, or that its disk hangs."""
    try:
        yield from in_time(lambda: list(look(name, folder)), f"`{name}` ({folder})", OPEN_SECONDS)
    except UnreachableError as error:
        yield str(error)


def _folder(name: str, folder: Path) -> Iterator[str]:
    """A folder may be made when it is needed; what stands in its way may not."""
    there = next(path for path in (folder.expanduser(), *folder.expanduser().absolute().parents) if path.exists())
    if not there.is_dir():
        yield f"`{name}` names {folder}, but {there} is a file: correct it."


def _others_folder(name: str, folder: Path) -> Iterator[str]:
    """A folder that others fill is nothing that we make: without it we would wait for ever for what they write."""
    if not folder.is_dir():
        yield f"`{name}` names {folder}, which is no folder: correct it, or make the folder for whoever writes there."


def _cities(settings: "Settings") -> Iterator[str]:
    """Look at each city, and at that of the settings in its own place alone: accounts that name none have it."""
    of_all = getattr(settings, "jurisdiction", None)
    for keys, value in leaves(settings):
        if keys[-1] == "jurisdiction" and len(keys) > 1 and value == of_all:
            continue
        cities = {"jurisdiction": [value], "jurisdictions": value}.get(keys[-1], ())
        for city in (city for city in cities if city and not is_in_china(city)):
            yield f"`{'.'.join(keys)}` is {city}, which is no 行政区划代码: no province begins with {city[:2]}."


def _own_city(settings: "Settings") -> Iterator[str]:
    """Outside of the local stack a city is named: what stands there by default would be in every number and id."""
    if not settings.is_local and "jurisdiction" not in settings.model_fields_set:
        yield (
            f"`jurisdiction` is missing, and outside of the local stack {settings.jurisdiction} would stand in every "
            "ticket of an account that names no city: set the 行政区划代码 of yours."
        )


def _proxies(settings: "Settings") -> Iterator[str]:
    """Look whether citizens can be told apart: behind a proxy that nobody names they share the pace of one address."""
    forms = [name for name, account in settings.connectors.web.items() if account.form]
    if forms and not settings.is_local and not settings.receiver.trusted_proxies:
        yield (
            f"`receiver.trusted_proxies` is empty, so all citizens at the form of `connectors.web.{forms[0]}` would "
            "count as one: name the proxy before the receiver (127.0.0.1 if there is none)."
        )


def _wechat(settings: "Settings") -> Iterator[str]:
    for appid in _twice(account.appid for account in settings.connectors.wechat.values()):
        yield f"Two WeChat accounts have the appid {appid}: each message would come twice, so remove one of them."
    companies = settings.connectors.wecom.values()
    for kfid in _twice(kfid for account in companies for kfid in dict.fromkeys(account.open_kfids)):
        yield (
            f"Two accounts of 企业微信 name {kfid} in `open_kfids`: each message would come twice, so remove it from "
            "one of them."
        )


def _members(settings: "Settings") -> Iterator[str]:
    """Look whether who writes to an application of 企业微信 can be answered; 微信客服 answers without one."""
    for name, account in settings.connectors.wecom.items():
        if name in settings.answers and account.agent_id is None and not account.open_kfids:
            yield (
                f"`connectors.wecom.{name}.agent_id` is missing: members who write to the application get no receipt. "
                "Set it, or name the 客服账号 in `open_kfids` where all write to 微信客服."
            )


def _smpp(settings: "Settings") -> Iterator[str]:
    accounts = settings.connectors.sms_smpp.values()
    for host, port, system_id in _twice((one.host.lower(), one.port, one.system_id) for one in accounts):
        yield (
            f"Two SMPP accounts are {system_id} at {host}:{port}: a message that comes again by the other would be "
            "another one, so remove one of them and set `binds` of the one that stays."
        )


def _cmpp(settings: "Settings") -> Iterator[str]:
    accounts = settings.connectors.sms_cmpp.values()
    for host, port, source in _twice((one.host.lower(), one.port, one.source) for one in accounts):
        yield f"Two CMPP accounts are {source} at {host}:{port}: their logins would end each other, so remove one."


def _mailboxes(settings: "Settings") -> Iterator[str]:
    for (one, left), (other, right) in combinations(settings.connectors.mailbox.items(), 2):
        same = (left.host.lower(), left.username) == (right.host.lower(), right.username)
        if same and (shared := sorted(set(left.folders) & set(right.folders))):
            yield (
                f"The mailboxes {one} and {other} read the same folder {shared[0]} of one account: each mail would "
                "come twice, so remove it from one of them."
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
    first, last = settings.telemetry.port, settings.telemetry.port_of(len(wiring.names(settings)))
    if not first:
        return
    if last > 65535:
        yield f"`telemetry.port` is {first} and `run all` would count up to {last}: choose a lower one."
    for name, port in (("receiver", settings.receiver.port), ("lmtp", settings.lmtp.port)):
        if name in wiring.names(settings) and first <= port <= last:
            yield (
                f"`{name}.port` {port} lies among the ports {first} to {last} of the processes' health: change it, or "
                "`telemetry.port`."
            )


def _doors(settings: "Settings") -> Iterator[str]:
    """The receiver and LMTP may share a port on two addresses of a machine, and none of them is all."""
    one, other = settings.receiver, settings.lmtp
    same = one.host == other.host or not _ALL_ADDRESSES.isdisjoint((one.host, other.host))
    if {"receiver", "lmtp"} <= set(wiring.names(settings)) and same and one.port == other.port != 0:
        yield f"`receiver.port` and `lmtp.port` are both {one.port}: change one of them."


def _twice(values: Iterable[T]) -> list[T]:
    known: set[Hashable] = set()
    return [value for value in values if value in known or known.add(value)]  # type: ignore[func-returns-value] # a set's add


Look = Callable[["Settings"], Iterable[str]]

_LOOKS: tuple[Look, ...] = (
    kafka, elasticsearch, _keys, _command_keys, rules, _blobs, _paths, _cities, _own_city, paths.faults,
    *checks_of_values.LOOKS, _proxies, _wechat, _members, _smpp, _cmpp, _mailboxes, _ports,
)  # fmt: skip
