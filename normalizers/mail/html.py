"""HTML to text: blocks become lines, quoted blocks get "> " as in plain mail, invisible parts are dropped."""

import html as entities
import re
from itertools import islice
from urllib.parse import unquote_to_bytes

from selectolax.lexbor import LexborHTMLParser, LexborNode

from normalizers.mail.charsets import clean
from normalizers.mail.encodings import decoded

MAX_HTML = 2 * 1024 * 1024
"""Characters read of one HTML body."""

MAX_PICTURES = 50
"""Pictures taken out of one HTML body."""

_DROPPED = frozenset({
    "script", "style", "head", "title", "template", "noscript", "iframe", "object", "svg", "math", "xml", "-comment",
    "select", "audio", "video", "canvas", "map", "meta", "link", "o:p-hidden",
})  # fmt: skip
_LINES = frozenset({
    "div", "tr", "table", "ul", "ol", "li", "dl", "dt", "dd", "section", "article", "header", "footer", "center",
    "form", "address", "fieldset", "figure", "figcaption", "main", "nav", "aside", "tbody", "thead", "caption", "body",
    "html", "pre", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "p", "includetail", "details", "summary",
})  # fmt: skip
_SPACED = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6"})
_CELLS = frozenset({"td", "th"})
_FORMATTING = frozenset(
    {"a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"}
)
_UNNESTED = frozenset({
    "p", "li", "td", "tr", "th", "dd", "dt", "option", "br", "img", "hr", "meta", "link", "input", "col", "wbr",
    "tbody", "area", "base", "param", "!doctype",
})  # fmt: skip

_QUOTE_IDS = re.compile(
    r"isReplyContent|divRplyFwdMsg|OLK_SRC_BODY|ntes-\w*quote|mail-editor-reference|_MailOriginal", re.I
)
_QUOTE_CLASSES = re.compile(
    r"gmail_quote|yahoo_quoted|moz-cite|protonmail_quote|zmail_extra|tutanota_quote|aolReplacedBody", re.I
)
_REST_IDS = re.compile(r"divRplyFwdMsg|stopSpelling", re.I)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.I)
_SPACES = re.compile(r"[ \t\n\r\u00a0\u200b\u200c\u2060]+")
_WIDE = re.compile(" {2,}")
_GAP = re.compile(r"((?:^|\n)(?:> ?)*)(?:\n(?:> ?)*(?=\n)){2,}")
_TAG = re.compile(r"<(/?)([a-zA-Z!][^\s/>]{0,40})")
_DATA_URI = re.compile(r"data:(image/[a-z0-9+.-]{1,40});base64,([A-Za-z0-9+/=\s%]{200,})", re.I)
_SCRIPT_OPENS = re.compile(r"<(?:script|style)\b", re.I)
_SCRIPT_CLOSES = re.compile(r"</(?:script|style)\s{0,20}>", re.I)
_COMMENT_OPENS = re.compile("<!--")
_COMMENT_CLOSES = re.compile("-->")
_URL = re.compile(r"^https?://", re.I)


def pictures(source: str) -> list[tuple[str, bytes]]:
    """Return the pictures embedded in the page, as (media type, bytes): they are evidence like any file."""
    found = list(islice(_DATA_URI.finditer(source), MAX_PICTURES)) if "data:" in source else []
    return [(match[1].lower(), decoded(unquote_to_bytes(match[2]), "base64", is_text=False)) for match in found]


def html_to_text(source: str, *, mark_quotes: bool = True) -> str:
    """Return the visible text; lines of quoted blocks start with "> " unless `mark_quotes` is off."""
    source = source[:MAX_HTML]
    if "data:" in source:
        source = _DATA_URI.sub("", source)
    if _too_costly(source):
        return _stripped(source)
    root = LexborHTMLParser(source).root
    return _Writer(mark_quotes).write(root) if root is not None else ""


def _too_costly(source: str) -> bool:
    """Return whether HTML is built to exhaust a tree builder: its time grows with depth times tags, its tree with open
    fonts.
    """
    tags = source.count("<")
    if tags < 1_000 and len(source) < 100_000:
        return False
    if re.search(r"<[^<>]{50000}", source):
        return True
    depth = deepest = fonts = most_fonts = 0
    for closing, name in _TAG.findall(source):
        step, name = (-1 if closing else 1), name.lower()
        if name in _UNNESTED:
            continue
        depth = max(0, depth + step)
        fonts = max(0, fonts + step) if name in _FORMATTING else fonts
        deepest, most_fonts = max(deepest, depth), max(most_fonts, fonts)
    return deepest * tags > 20_000_000 or most_fonts * tags > 2_000_000


def _stripped(source: str) -> str:
    """Return the text between the tags, without a tree."""
    source = _without(source, _SCRIPT_OPENS, _SCRIPT_CLOSES)
    source = _without(source, _COMMENT_OPENS, _COMMENT_CLOSES)
    source = re.sub(r"(?i)<(?:br|/?p|/?div|/?tr|/?li|/?table)\b[^<>]*>", "\n", source)
    return tidy(clean(entities.unescape(re.sub(r"<[^<>]*>", "", source))))


def _without(source: str, opens: re.Pattern[str], closes: re.Pattern[str]) -> str:
    """Drop everything between two marks, in one pass; an unclosed part stays."""
    first, *others = opens.split(source)
    ends = [closes.search(piece) for piece in others]
    return first + "".join(piece[end.end() :] if end else piece for piece, end in zip(others, ends, strict=True))


def tidy(text: str) -> str:
    """Return `text` without spaces at line ends and without more than one blank line in a row."""
    lines = [_SPACES.sub(" ", line).strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


class _Writer:
    """One walk over the tree, with a stack of its own: depth costs no recursion."""

    def __init__(self, mark_quotes: bool) -> None:
        self.lines: list[str] = []
        self.current: list[str] = []
        self.quotes = 0
        self.rest_quoted = False
        self.pre = 0
        self.marking = mark_quotes

    def write(self, root: LexborNode) -> str:
        """Return the text of the tree."""
        stack: list[tuple[LexborNode, bool, int]] = [(root, False, 0)]
        while stack:
            node, leaving, mark = stack.pop()
            if leaving:
                self._leave(node, mark)
            elif node.is_text_node:
                self._text(node.text_content or "")
            elif node.tag in ("br", "hr"):
                self._break(always=node.tag == "br")
            elif not self._hidden(node):
                stack.append((node, True, self._enter(node)))
                child = node.last_child
                while child is not None:
                    stack.append((child, False, 0))
                    child = child.prev
        self._break()
        return clean(_GAP.sub(r"\1\n", "\n".join(self.lines))).strip("\n")

    def _hidden(self, node: LexborNode) -> bool:
        tag = node.tag
        if tag is None or tag in _DROPPED or tag.startswith("!"):
            return True
        attributes = node.attributes if tag not in ("b", "i", "html", "strong", "em") else {}
        return bool(attributes) and ("hidden" in attributes or bool(_HIDDEN.search(attributes.get("style") or "")))

    def _enter(self, node: LexborNode) -> int:
        """Open an element; return 1 when it opens a quotation."""
        tag = node.tag or ""
        if tag in _CELLS:
            self._text(" ")
        if tag not in _LINES:
            return self._quote(node, tag) if tag == "span" else 0
        self._break()
        if tag in _SPACED and not _is_tight(node):
            self._blank()
        self.pre += tag == "pre"
        if tag == "li":
            self.current.append("- ")
        return self._quote(node, tag)

    def _quote(self, node: LexborNode, tag: str) -> int:
        attributes = node.attributes
        if not self.marking or not attributes:
            return 0
        name = attributes.get("id") or ""
        if name and _REST_IDS.search(name):
            self.rest_quoted = True
        opens = bool(
            (name and _QUOTE_IDS.search(name))
            or _QUOTE_CLASSES.search(attributes.get("class") or "")
            or (tag == "blockquote" and _is_citation(attributes))
        )
        if opens:
            self._break()
            self.quotes += 1
        return int(opens)

    def _leave(self, node: LexborNode, mark: int) -> None:
        tag = node.tag or ""
        if tag in _LINES or mark:
            self._break()
            if tag in _SPACED and not _is_tight(node):
                self._blank()
            self.pre -= tag == "pre"
        elif tag == "a":
            self._link(node)
        self.quotes -= mark

    def _link(self, node: LexborNode) -> None:
        """Add a link's address if the text does not have it: a clerk may want to open it."""
        address = (node.attributes.get("href") or "").strip()
        shown = "".join(node.text(deep=True).split())
        if _URL.match(address) and len(address) <= 500 and not shown.startswith(("http", "www.")) and shown:
            self.current.append(f" <{address}>")

    def _text(self, text: str) -> None:
        if not self.pre:
            self.current.append(_SPACES.sub(" ", text))
            return
        first, *others = text.replace("\u00a0", " ").split("\n")
        self.current.append(first)
        for line in others:
            self._break(always=True)
            self.current.append(line)

    def _break(self, *, always: bool = False) -> None:
        """End the line; an empty one counts only after a <br>."""
        if not self.current and not always:
            return
        line = "".join(self.current)
        self.current.clear()
        line = line.rstrip() if self.pre else _WIDE.sub(" ", line).strip()
        if line or always:
            self.lines.append(self._prefix() + line)

    def _blank(self) -> None:
        if self.lines and self.lines[-1].strip("> "):
            self.lines.append(self._prefix().rstrip())

    def _prefix(self) -> str:
        return "> " * min(self.quotes + self.rest_quoted, 5)


def _is_tight(node: LexborNode) -> bool:
    """Return whether this is an Outlook paragraph, which is a line without space around it."""
    return "Mso" in (node.attributes.get("class") or "")


def _is_citation(attributes: dict[str, str | None]) -> bool:
    """Return whether this is a reply's blockquote and not a passage that a writer set apart."""
    style = attributes.get("style") or ""
    return (
        attributes.get("type") == "cite"
        or "cite" in attributes
        or "border-left" in style
        or "quote" in (f"{attributes.get('class')} {attributes.get('id')} {attributes.get('name')}".lower())
    )
