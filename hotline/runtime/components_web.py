"""Composes the web doors: the archive with their rights, keys and rules."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from hotline.config import clients

if TYPE_CHECKING:
    from starlette.routing import Route

    from connectors.http.server import Keep
    from connectors.web.archive import Wanted
    from hotline.config.settings import Settings
    from hotline.search.archive import Archive
    from schemas.records import Ticket


class WebArchive:
    """The masked archive; opened by the first question, so that messages come in while there is no Elasticsearch."""

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings
        self._opened: Archive | None = None

    async def ticket(self, name: str) -> "Ticket | None":
        """Return the ticket of an id or an official number, masked."""
        return await self._archive().ticket(name)

    async def filed(self, message: str) -> "Ticket | None":
        """Return the ticket that a message was filed in, masked."""
        return await self._archive().filed(message)

    async def newest(self, wanted: "Wanted") -> "list[Ticket]":
        """Return the newest requests, masked."""
        return await self._archive().requests(wanted)

    async def close(self) -> None:
        """Close the client of Elasticsearch."""
        if self._opened is not None:
            await self._opened.close()

    def _archive(self) -> "Archive":
        if self._opened is None:
            from hotline.search.archive import Archive

            self._opened = Archive(clients.elasticsearch(self._settings))
        return self._opened


def doors(settings: "Settings") -> "tuple[list[Callable[[Keep], Sequence[Route]]], WebArchive]":
    """Return the web doors of the settings, and their archive, which the caller closes."""
    from connectors.registry import DOORS
    from connectors.web.service import Tools

    archive = WebArchive(settings)
    accounts = [(DOORS[section].make, name, one) for section in DOORS for name, one in _accounts(settings, section)]
    if not accounts:
        return [], archive
    tools = Tools(
        archive=archive,
        policy=clients.policy(settings),
        query_key=clients.query_key(settings),
    )
    return [partial(make(one, name).routes, tools) for make, name, one in accounts], archive


def _accounts(settings: "Settings", section: str) -> "Sequence[tuple[str, object]]":
    return list(settings.connectors.sections[section].items())
