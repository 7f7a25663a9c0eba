"""Where the receiver is called for which account: it is one server, and one path leads to one account."""

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

from connectors.backoffice.settings import PATH
from connectors.registry import DOORS, PUSH

if TYPE_CHECKING:
    from hotline.config.settings import Settings


_RECEIVERS_OWN = ("/healthz", "/readyz")


def faults(settings: "Settings") -> Iterator[str]:
    """Say of each account that would not be called, or be taken for another, why that is."""
    accounts = [*_accounts(settings, *PUSH), *_accounts(settings, *DOORS)]
    for (one, path), (other, same) in combinations(accounts, 2):
        if path == same:
            yield f"Two accounts have the path {path}, `{one}` and `{other}`: give each a `path` of its own."
    doors = [door for _, door in _accounts(settings, *DOORS)]
    for name, path in accounts:
        if path in _RECEIVERS_OWN:
            yield f"`{name}.path` is {path}, where the receiver reports its health: change it."
        if settings.backoffice and (path == PATH or path.startswith(f"{PATH}/")):
            yield f"`{name}.path` is {path}, where commands are given: change it."
        for door in doors:
            if path.startswith(f"{door}/"):
                yield f"`{name}.path` is {path}, below the web form {door}: change one of them."


def _accounts(settings: "Settings", *sections: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the path of each account of the sections."""
    for section in sections:
        for name, account in settings.connectors.sections[section].items():
            yield f"connectors.{section}.{name}", account.path
