"""Open311's answers in both formats: JSON as in the specification, XML with the required declaration."""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, tostring  # used for writing only

import msgspec
from starlette.responses import Response

from connectors.web.validation import Problem, status_of
from tickets.export.open311 import NOT_XML

JSON, XML = "json", "xml"
FORMATS: Mapping[str, str] = {JSON: "application/json; charset=utf-8", XML: "text/xml; charset=utf-8"}

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Access-Control-Allow-Origin": "*",  # without cookies, and only public data
}

_SINGULAR: Mapping[str, str] = {
    "services": "service",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "service_request_updates": "request_update",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
}
"""Element name of one entry in a list, by the list's name (↴ and ⇊ in the specification's tables)."""

RETRY_SECONDS = 10


def answer(form: str, root: str, content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer; `root` is the outer element of XML, which JSON lacks."""
    body = msgspec.json.encode(content) if form == JSON else _document(root, content)
    return Response(body, status, {**HEADERS, **(headers or {})}, media_type=FORMATS[form])


def refused(form: str, found: Sequence[Problem], status: int | None = None) -> Response:
    """Return all problems as a list; temporary errors include Retry-After."""
    code = status or status_of(found)
    listed = [{"code": problem.code, "description": problem.description} for problem in found]
    return answer(form, "errors", listed, code, {"Retry-After": str(RETRY_SECONDS)} if code in (429, 503) else None)


def format_of(path: str) -> str:
    """Return the format of a path's suffix; XML, which all clients support, for any other suffix."""
    return JSON if path.endswith(".json") else XML


def _document(root: str, content: Any) -> bytes:
    made: bytes = tostring(_element(root, content), encoding="utf-8", xml_declaration=False)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + made


def _element(name: str, content: Any) -> Element:
    made = Element(name)
    if isinstance(content, Mapping):
        made.extend(_element(key, value) for key, value in content.items())
    elif isinstance(content, (list, tuple)):
        made.extend(_element(_SINGULAR[name], value) for value in content)
    elif content is not None:
        text = str(content).lower() if isinstance(content, bool) else str(content)
        made.text = NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
    return made
