"""Reads the body of a webhook request (JSON, form or XML) as one tree whose leaves are texts.

    JSON {"a": {"b": 7}}      form a=1&a=2          XML <r><a x="1">t</a></r>
    {"a": {"b": "7"}}         {"a": ["1", "2"]}     {"a": {"@x": "1", "#text": "t"}}

A number stays as it was written: an id of twenty digits would lose its end as a float.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeAlias
from urllib.parse import unquote_to_bytes
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

from normalizers.base import File
from normalizers.parse.json import mended, not_crowded
from normalizers.web import fields as forms
from normalizers.web.multipart import parts
from schemas.errors import MalformedError

Node: TypeAlias = Any
"""A mapping of names to nodes, a list of nodes, a text, or None for JSON's null."""

Encoding: TypeAlias = Literal["json", "form", "xml"]

MAX_LEAVES = 300
"""Values of one message; a form of a city has some dozens."""

MAX_DEPTH = 32

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
"""Its encoding is that of the bytes; expat does not know GBK."""

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""Characters that XML forbids and citizens' keyboards send."""


def parse(body: bytes, encoding: Encoding, content_type: str = "", charset: str | None = None) -> Node:
    """Return the tree of a body. `content_type` gives the boundary of a multipart form.

    `charset` is tried first; otherwise the bytes decide between UTF-8 and GB 18030. Raises MalformedError.
    """
    match encoding:
        case "json":
            return _json(body, charset)
        case "xml":
            return _xml(text_of(body, charset))
        case "form":
            return _grouped(_form(body, content_type, charset))


def files(body: bytes, encoding: Encoding, content_type: str) -> tuple[File, ...]:
    """Return the uploads of a multipart form. Raises MalformedError."""
    if encoding != "form" or _boundary(content_type) is None:
        return ()
    found = forms.read(content_type, body).files
    return tuple(File(name=one.name or None, media_type=one.media_type, data=one.data) for one in found)


def text_of(data: bytes, charset: str | None = None) -> str:
    """Return the text of bytes in `charset`, or by the evidence of the bytes if they do not fit it."""
    if charset is not None:
        try:
            return data.decode(charset)
        except UnicodeDecodeError:
            pass
    return forms.text_of(data)


def leaves(node: Node, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and the text of every leaf that has one, in the order of the body: `a.b[0]`."""
    if isinstance(node, Mapping):
        for name, inner in node.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(node, list):
        for number, inner in enumerate(node):
            yield from leaves(inner, f"{path}[{number}]")
    elif node:
        yield path, node


def _json(body: bytes, charset: str | None) -> Node:
    not_crowded(body)
    text = text_of(mended(body), charset)
    try:
        found = json.loads(
            text, parse_int=str, parse_float=str, parse_constant=str, strict=False, object_pairs_hook=_grouped
        )
        return _as_texts(found, MAX_DEPTH)
    except (ValueError, RecursionError) as error:  # its text can quote a value
        raise MalformedError("the body is not JSON: check the `body` of the profile") from error


def _as_texts(node: Node, depth: int) -> Node:
    """Return a tree without truth values, whose text JSON defines."""
    if depth == 0:
        raise ValueError("too deep")
    if isinstance(node, dict):
        return {name: _as_texts(inner, depth - 1) for name, inner in node.items()}
    if isinstance(node, list):
        return [_as_texts(inner, depth - 1) for inner in node]
    return json.dumps(node) if isinstance(node, bool) else node


def _grouped(pairs: Iterable[tuple[str, Node]]) -> dict[str, Node]:
    """Return pairs as a mapping; a name that occurs several times has a list, so that no value is lost."""
    found: dict[str, list[Node]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _form(body: bytes, content_type: str, charset: str | None) -> Iterator[tuple[str, str]]:
    boundary = _boundary(content_type)
    if boundary is not None:
        for part in parts(body, boundary.encode()):
            if not forms.is_file(part):
                yield text_of(part.name, charset), text_of(part.value, charset)
        return
    if body.count(b"&") >= MAX_LEAVES:
        raise MalformedError(f"the body has more than {MAX_LEAVES} fields")
    for pair in body.split(b"&"):
        name, _, value = pair.replace(b"+", b" ").partition(b"=")
        if name:
            yield text_of(unquote_to_bytes(name), charset), text_of(unquote_to_bytes(value), charset)


def _boundary(content_type: str) -> str | None:
    name, options = forms.media(content_type)
    return options.get("boundary") if name == forms.MULTIPART else None


def _xml(text: str) -> Node:
    try:
        root: Element = fromstring(_CONTROLS.sub("", _DECLARATION.sub("", text)), forbid_dtd=True)
    except (ParseError, ValueError, RecursionError) as error:
        raise MalformedError("the body is not XML: check the `body` of the profile") from error
    return _of_element(root, MAX_DEPTH)


def _of_element(element: Element, depth: int) -> Node:
    if depth == 0:
        raise MalformedError(f"the XML is nested more than {MAX_DEPTH} deep")
    children = [(child.tag, _of_element(child, depth - 1)) for child in element]
    attributes = [(f"@{name}", value) for name, value in element.attrib.items()]
    # Text between elements stands behind a child; it is a value only if somebody mixes both.
    text = "".join([element.text or "", *(child.tail or "" for child in element)]).strip()
    if not children and not attributes:
        return text
    return _grouped([*attributes, *children, *([("#text", text)] if text else [])])
