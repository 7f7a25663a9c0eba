"""Sources of call records: the login to the manager interface works, the folder can be read."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hotline.doctor.findings import Told
from hotline.doctor.reach import NoTlsError, of_account, reach, speaks_tls
from schemas.enums import counted
from schemas.errors import MisconfiguredError

if TYPE_CHECKING:
    from hotline.config.settings import Settings


def asterisk(settings: "Settings", name: str) -> Iterator[Told]:
    """Log in and out: an interface takes many at once."""
    from connectors.asterisk.connector import Asterisk

    account = settings.connectors.asterisk[name]
    where = f"connectors.asterisk.{name}"
    address = of_account(f"Asterisk {name}", where, account)
    try:
        reach(address, account.tls_context())
    except NoTlsError as error:
        raise MisconfiguredError(
            f"{address} does not use TLS there: correct `{where}.port` (usually 5039), or enable it in manager.conf."
        ) from error
    if account.tls == "none" and speaks_tls(address):
        raise MisconfiguredError(f"{address} requires TLS: set `{where}.tls` to tls.")
    asyncio.run(Asterisk(account, name).examine())
    yield "the login works"


def call_files(settings: "Settings", name: str) -> Iterator[Told]:
    """Look at the folder, and whether each file may be read."""
    from connectors.call_files import folder
    from schemas.errors import UnreachableError

    account = settings.connectors.call_files[name]
    entries = folder.listed(account.folder, account.pattern)
    for entry in entries:
        try:
            with folder.opened(account.folder, entry.name):
                pass
        except UnreachableError as error:
            raise MisconfiguredError(
                f"Call files {name}: {entry.name} cannot be read: check its owner and mode"
            ) from error
    if account.recordings is not None and not account.recordings.is_dir():
        yield MisconfiguredError(
            f"Call files {name}: the folder of recordings does not exist: correct "
            f"`connectors.call_files.{name}.recordings`"
        )
    yield f"{counted(len(entries), 'file is', 'files are')} present"
