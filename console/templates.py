"""Templates and words of the pages, and the static files: read once, named by their digests."""

import hashlib
import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from console.session import set_cookie
from schemas.ids import SHANGHAI

FOLDER = Path(__file__).parent
LANGUAGES = ("zh", "en")
LANGUAGE_COOKIE = "__Host-language"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_YEAR = 31_536_000


@cache
def words(language: str) -> Mapping[str, Any]:
    """Return the texts of the pages in a language."""
    return tomllib.loads((FOLDER / "words" / f"{language}.toml").read_text("utf-8"))


@cache
def static() -> Mapping[str, tuple[bytes, str]]:
    """Return each static file by its path below `static/`: bytes and media type."""
    root = FOLDER / "static"
    files = (path for path in root.rglob("*") if path.suffix in _TYPES)
    return {path.relative_to(root).as_posix(): (path.read_bytes(), _TYPES[path.suffix]) for path in files}


@cache
def static_url(name: str) -> str:
    """Return the URL of a static file; it changes with the file, so browsers may keep it."""
    return f"/static/{hashlib.sha256(static()[name][0]).hexdigest()[:12]}/{name}"


def static_file(request: Request) -> Response:
    """Answer with a static file."""
    name = request.path_params["name"]
    if name not in static() or static_url(name) != request.url.path:
        return Response(status_code=404)
    body, kind = static()[name]
    return Response(body, media_type=kind, headers={"Cache-Control": f"public, max-age={_YEAR}, immutable"})


def language_of(request: Request) -> str:
    """Return the language that was chosen, else the browser's first known one, else Chinese."""
    for wanted in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if wanted in LANGUAGES:
            return str(wanted)
    accepted = request.headers.get("accept-language", "")[:200].lower().split(",")
    return next((one.strip()[:2] for one in accepted if one.strip()[:2] in LANGUAGES), "zh")


def local_time(at: datetime, form: str = "%Y-%m-%d %H:%M") -> str:
    """Return a time in China."""
    return at.astimezone(SHANGHAI).strftime(form)


@cache
def environment() -> Environment:
    """Return the templates; an unknown name in one is an error, not an empty text."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.globals["static_url"] = static_url
    made.filters["local_time"] = local_time
    return made


def render(request: Request, template: str, language: str, *, status: int = 200, **content: Any) -> Response:
    """Return a page; a language that the URL asks for is remembered."""
    here = request.url.path
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    other = next(one for one in LANGUAGES if one != language)
    body = (
        environment()
        .get_template(template)
        .render(w=words(language), language=language, other=other, here=here, kept=kept, **content)
    )
    response = HTMLResponse(body, status)
    if request.query_params.get("lang") in LANGUAGES:
        set_cookie(response, LANGUAGE_COOKIE, language, _YEAR)
    return response
