"""Web connector: routes of one city's form and Open311 for the receiver."""

from collections.abc import Sequence
from typing import ClassVar

from starlette.routing import Route

from connectors.http.server import Keep
from connectors.web.form import Form
from connectors.web.open311 import Open311
from connectors.web.service import Desk, Tools
from connectors.web.settings import WebSettings
from connectors.web.submission import CHANNEL


class WebDoor:
    """One account with several paths; it answers requests itself and stores messages through the receiver."""

    channel: ClassVar[str] = CHANNEL

    def __init__(self, settings: WebSettings, account: str) -> None:
        self._settings = settings
        self._account = account

    def routes(self, tools: Tools, keep: Keep) -> Sequence[Route]:
        """Return the routes, with Open311's before the form's."""
        desk = Desk(self._settings, self._account, tools, keep)
        open311 = Open311(desk).routes() if self._settings.open311 else []
        form = Form(desk).routes() if self._settings.form else []
        return [*open311, *form]
