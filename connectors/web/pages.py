"""Pages of the form: two languages, no script, and headers that forbid loading from other hosts."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent
LANGUAGES = ("zh", "en")

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",  # the URL of a receipt gives access to it
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Vary": "Accept-Language",
}


@cache
def words() -> Mapping[str, Any]:
    """Return the texts of the pages by language."""
    return tomllib.loads((FOLDER / "words.toml").read_text("utf-8"))


@cache
def style() -> bytes:
    """Return the style sheet."""
    return (FOLDER / "style.css").read_bytes()


@cache
def _templates() -> "Environment":
    from jinja2 import (
        Environment,
        FileSystemLoader,
    )  # at the first page: every command imports this

    return Environment(loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, trim_blocks=True)


def language_of(request: Request, chosen: str = "") -> str:
    """Return the chosen language, else the browser's first supported one, else Chinese."""
    for wanted in (chosen, request.query_params.get("lang", "")):
        if wanted in LANGUAGES:
            return wanted
    accepted = request.headers.get("accept-language", "")[:200].lower().split(",")
    return next((one.strip()[:2] for one in accepted if one.strip()[:2] in LANGUAGES), "zh")


def page(
    template: str,
    language: str,
    heading: str,
    *,
    base: str,
    here: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **content: Any,
) -> Response:
    """Return a page; `heading` is a key of `words`, `base` is the form's path and `here` this page's path."""
    known = words()
    other = next(one for one in LANGUAGES if one != language)
    body = (
        _templates()
        .get_template(template)
        .render(
            w=known[language],
            language=language,
            other=other,
            other_lang=known[other]["lang"],
            heading=known[language][heading],
            base=base,
            here=here,
            **content,
        )
    )
    return Response(body, status, {**HEADERS, **(headers or {})}, media_type="text/html")
