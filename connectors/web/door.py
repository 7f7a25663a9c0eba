"""The web door: what the receiver hosts for one city's form and Open311."""

from collections.abc import Callable, Sequence

from starlette.routing import Route

from connectors.web.desk import Desk, Keep, Tools
from connectors.web.form import Form
from connectors.web.open311 import Open311
from connectors.web.settings import WebSettings


def door(settings: WebSettings, account: str, tools: Tools) -> Callable[[Keep], Sequence[Route]]:
    """Return what makes the routes of a city's web door, once the receiver can keep messages safe."""

    def routes(keep: Keep) -> Sequence[Route]:
        desk = Desk(settings, account, tools, keep)
        open311 = Open311(desk).routes() if settings.open311 else []
        form = Form(desk).routes() if settings.form else []
        return [*open311, *form]

    return routes
