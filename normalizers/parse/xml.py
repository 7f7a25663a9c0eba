"""A flat reading of small XML callbacks; `defusedxml` shuts every door to bombs and other files."""

import re
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from schemas.errors import MalformedError

MAX_DEPTH = 16
"""No callback nests deeper; what does is an attack."""

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_BAD_REFERENCE = re.compile(
    r"&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01]|5529[6-9]|55[3-9]\d\d|56\d{3}|57[0-2]\d\d|573[0-3]\d|5734[0-3])"
    r"|[xX]0*(?:[0-8]|[bB]|[cC]|[eE]|[fF]|1[0-9a-fA-F]|[dD][89a-fA-F][0-9a-fA-F]{2}));"
)
"""Control characters, and halves of an emoji."""

_DECLARED = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']\s*(gb[k\d]+)", re.IGNORECASE)
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def fields(value: bytes, root: str) -> dict[str, str]:
    """Return the leaves below `root` by their path (`Image.MediaId`), texts as written; repeats end in `#2`, `#3`.

    Raises MalformedError for anything but one plain document: no DTD, no entities, no JSON.
    """
    text = _CONTROLS.sub("", _decoded(value))
    try:
        return _Reader(root).read(text)
    except ParseError:
        return _second_try(text, root)


def _second_try(text: str, root: str) -> dict[str, str]:
    """Read once more without references to what XML forbids and phones send."""
    try:
        return _Reader(root).read(_BAD_REFERENCE.sub("", text))
    except ParseError as error:
        line, _ = error.position
        raise MalformedError(f"the callback is not XML: expat's error {error.code} in line {line}") from error


def _decoded(value: bytes) -> str:
    """Return the text: by its byte order mark, else as declared (GBK), else UTF-8, else GB18030.

    UTF-8 with a character that is cut, or half an emoji, is not GB18030: read so, it would say something else.
    """
    declared = ["gb18030"] if _DECLARED.match(value.lstrip()) else []
    marked = [encoding for mark, encoding in _BOMS if value.startswith(mark)]
    if not marked and not declared and _is_damaged(value):
        return value.decode("utf-8", "replace")
    for encoding in (*marked, *declared, "utf-8", "gb18030"):
        try:
            return value.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise MalformedError("the callback is neither UTF-8 nor GBK: check the raw bytes")


def _is_damaged(value: bytes) -> bool:
    """Say whether it is UTF-8 with some bytes that are none; of GBK hardly two bytes in a row would pass for it."""
    try:
        value.decode()
    except UnicodeDecodeError:
        text = value.decode("utf-8", "replace")
        return sum(character > "\u07ff" and character != "\ufffd" for character in text) > text.count("\ufffd")
    return False


class _Reader:
    """Collects the leaves of one document, as the parser comes by them."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._path: list[str] = []
        self._text: list[str] = []
        self._leaf = False
        self._found: dict[str, str] = {}
        self._more: dict[str, dict[str, str]] = {}

    def read(self, text: str) -> dict[str, str]:
        parser = DefusedXMLParser(target=self, forbid_dtd=True)
        try:
            parser.feed(text.lstrip())
            found: dict[str, str] = parser.close()
        except DefusedXmlException as error:
            raise MalformedError(
                "the callback declares a document type or entities, which no supported platform does"
            ) from error
        return found

    def start(self, name: str, _: dict[str, str]) -> None:
        path = self._path
        if not path and name != self._root:
            raise MalformedError(f"the callback's root element is not <{self._root}>")
        if len(path) == MAX_DEPTH:
            raise MalformedError("the callback nests too deeply")
        path.append(name)
        self._text.clear()
        self._leaf = True

    def data(self, text: str) -> None:
        self._text.append(text)

    def end(self, name: str) -> None:
        path, text = self._path, self._text
        if self._leaf and len(path) > 1:
            name = name if len(path) == 2 else ".".join(path[1:])
            value = "".join(text)
            if self._found.setdefault(name, value) != value:
                self._keep(name, value)
        path.pop()
        text.clear()
        self._leaf = False

    def close(self) -> dict[str, str]:
        return self._found

    def _keep(self, name: str, value: str) -> None:
        """Keep another value of a field beside the first, or instead of a blank one."""
        if not self._found[name].strip():
            self._found[name] = value
            return
        more = self._more.setdefault(name, {})
        if value not in more:
            more[value] = f"{name}#{len(more) + 2}"
            self._found.setdefault(more[value], value)
