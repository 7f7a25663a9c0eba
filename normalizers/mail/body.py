"""The parts of a mail that are its text, and those that are its files."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from mimetypes import MimeTypes

from normalizers.base import File
from normalizers.mail import tnef
from normalizers.mail.charsets import read, to_text
from normalizers.mail.encodings import split_uuencoded, unflowed
from normalizers.mail.html import MAX_HTML, html_to_text, pictures
from normalizers.mail.invitations import asks, said
from normalizers.mail.mime import Part, parse
from normalizers.mail.params import base_name
from normalizers.text.fold import fold
from normalizers.text.quote_patterns import QUOTED, Marks

# Whether an alternative only says that the other one should be read.

_STUB = re.compile(
    r"html.{0,40}(?:client|viewer|capable|compatible|enabled|reader|邮件|格式|客户端|浏览)|(?:not"
    r"|does ?n.t) support html"
    r"|multi-?part message in mime|view (?:this|the) (?:e-?mail|message).{0,30}(?:browser|html)"
    r"|不支持.{0,10}html|使用.{0,20}html",
    re.IGNORECASE | re.DOTALL,
)


def is_stub(texts: list[str]) -> bool:
    """Return whether these words stand for a text that is elsewhere."""
    text = "".join(texts).strip()
    if len(text) >= 400:
        return False
    low = text.lower()
    return ("html" in low or "mime" in low or "browser" in low) and _STUB.search(low) is not None


MAX_GUESSES = 4
"""Parts of one mail whose charset may be guessed by statistics, which is slow."""

MAX_NESTED = 6
"""Mails within mails whose text is read; deeper ones are files only."""

_NEAR = 4096
"""Characters behind the line before, in which the next line of an alternative is searched."""

_SEARCHED = 1 << 24
"""Characters of a mail that are searched for lines out of order: without a limit the work is lines times characters."""

_TYPES = MimeTypes(filenames=())
_MAILS = frozenset({"message/rfc822", "message/global", "message/news"})
_FILE_TEXTS = frozenset({
    "text/calendar", "text/vcard", "text/x-vcard", "text/directory", "text/csv", "text/css", "text/javascript",
    "text/rtf", "text/x-amp-html", "text/rfc822-headers", "text/xml",
})  # fmt: skip
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w:.-]{2,40})", re.IGNORECASE)
_LINK = re.compile(r"<?(?:https?://|mailto:|cid:)[^\s<>\]]*>?")
_ANY_TAG = re.compile(r"<[^<>]*>")
_FRAME = re.compile(r"(?m)^(?:--\S.*|[!-9;-~]{1,60}:[ \t].*(?:\n[ \t].*)*)$")


@dataclass(slots=True)
class Content:
    """Collected parts: texts to show, files, and texts of files that are shown if there is no other."""

    texts: list[str] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    nested: list[str] = field(default_factory=list)
    spare: list[str] = field(default_factory=list)
    from_html: bool = False
    marks_quotes: bool = False
    invitation: bool = False
    defects: set[str] = field(default_factory=set)

    def absorb(self, other: "Content", *, texts: bool = True) -> None:
        """Add the contents of another part."""
        if texts:
            self.texts += other.texts
        self.files += other.files
        self.nested += other.nested
        self.spare += other.spare
        self.from_html |= other.from_html
        self.marks_quotes |= other.marks_quotes
        self.invitation |= other.invitation
        self.defects |= other.defects

    def text(self) -> str:
        """Return the text; that of attached mails, else of a file, when there is no other."""
        own = "\n".join(text for text in self.texts if text.strip())
        return own or "\n\n".join(self.nested or self.spare[:1])

    def attached(self) -> str | None:
        """Return the text of attached mails, unless it is the text itself."""
        return ("\n\n".join(self.nested) or None) if any(text.strip() for text in self.texts) else None


@dataclass(frozen=True, slots=True)
class Reader:
    """Walks a mail's parts; `forwarded` keeps quoted HTML unmarked, since it is the matter itself.

    `beside` is how long the same words are in plain text: HTML that does not hold more is not read.
    """

    marks: Marks
    forwarded: bool = False
    nesting: int = 0
    beside: int = 0
    guesses: list[None] = field(default_factory=lambda: [None] * MAX_GUESSES)

    def read(self, root: Part) -> Content:
        """Return the contents of a mail."""
        return self._part(root, in_alternative=False)

    def _part(self, part: Part, *, in_alternative: bool) -> Content:
        kind = part.media_type
        if part.children:
            return self._alternative(part) if kind == "multipart/alternative" else self._sequence(part)
        if kind.startswith("multipart/"):
            return _unparted(part)
        if kind in _MAILS or kind == "message/partial":
            return self._mail(part)
        if kind in tnef.TYPES or (_name(part) or "").lower() == "winmail.dat":
            return self._pack(part)
        if _is_shown(part, in_alternative):
            return self._shown(part)
        return self._file(part)

    def _sequence(self, part: Part) -> Content:
        out = Content()
        for child in part.children:
            out.absorb(self._part(child, in_alternative=False))
        return out

    def _alternative(self, part: Part) -> Content:
        """Take all files, and the text of one alternative: plain text unless another one says much more."""
        found: list[Content] = []
        for child in part.children:
            beside = max((_length(content) for content in found if not content.from_html), default=0)
            reader = replace(self, beside=beside) if beside else self
            found.append(reader._part(child, in_alternative=True))
        chosen = _chosen([content for content in found if _has_text(content)], self.marks)
        out = Content()
        for content in found:
            out.absorb(content, texts=content is chosen)
        return out

    def _shown(self, part: Part) -> Content:
        data, out = part.data(), Content()
        if part.media_type == "text/html":
            return self._page(data, part)
        if b"begin" in data:
            data, files = split_uuencoded(data)
            out.files = [_uu_file(name, content) for name, content in files]
        out.texts, out.marks_quotes = [self._plain(data, part, out)], _is_flowed(part)
        return out

    def _decoded(self, data: bytes, label: str | None, out: Content) -> str:
        guess = label is None and not data.isascii() and bool(self.guesses)
        if guess:
            self.guesses.pop()
        text, guessed = read(data, label, guess=guess)
        if guessed:
            out.defects.add("guessed")
        return text

    def _plain(self, data: bytes, part: Part, out: Content) -> str:
        text = self._decoded(data, part.content.text("charset"), out)
        if part.media_type in ("text/enriched", "text/richtext"):
            return re.sub(r"<<", "<", re.sub(r"<(?!<)[^<>]{1,60}>", "", text))
        if _is_flowed(part):
            return unflowed(text, delsp=(part.content.text("delsp") or "").lower() == "yes")
        return text

    def _source(self, data: bytes, part: Part, out: Content) -> str:
        meta = _META_CHARSET.search(data[:4096])
        label = part.content.text("charset") or (meta[1].decode("ascii") if meta else None)
        return self._decoded(data, label, out)

    def _page(self, data: bytes, part: Part) -> Content:
        """Add a page; its embedded pictures become files, and so does the whole page if it exceeds the limit."""
        files = [File(media_type=kind, data=picture) for kind, picture in pictures(data.decode("latin-1"))]
        out = Content(files=files, from_html=True, marks_quotes=True)
        if len(data) > MAX_HTML:
            out.files.append(File(media_type="text/html", data=data))
            out.defects.add("long_html")
        source = self._source(data, part, out)
        if not self.beside or _says_more(len(_ANY_TAG.sub("", source)), self.beside):
            out.texts = [html_to_text(source, mark_quotes=not self.forwarded)]
        return out

    def _file(self, part: Part) -> Content:
        data, kind = part.data(), part.media_type
        out = Content(files=[File(name=_name(part), media_type=_file_type(part), data=data)])
        if kind == "text/calendar":
            out.invitation = part.disposition.value != "attachment" and asks(part, data)
            out.spare = said(part, data)
        elif kind.startswith("text/html"):
            out.spare = [html_to_text(self._source(data, part, out), mark_quotes=not self.forwarded)]
        elif kind.startswith(("text/", "message/")) and (kind not in _FILE_TEXTS or not _name(part)):
            out.spare = [to_text(data, part.content.text("charset"))]
        return out

    def _pack(self, part: Part) -> Content:
        """Unpack Outlook's container; a broken or empty one is kept as a file as well."""
        data, out = part.data(), Content()
        pack = tnef.opened(data, mark_quotes=not self.forwarded)
        if pack:
            out.files, out.nested, out.spare = pack.files, pack.nested, [pack.text] if pack.text else []
        if pack is None or not pack.whole or not (pack.files or pack.nested or pack.text):
            out.files.append(File(name=_name(part), media_type=_file_type(part), data=data))
            out.defects |= set() if pack and pack.whole else {"broken_pack"}
        return out

    def _mail(self, part: Part) -> Content:
        """Keep an attached mail whole as a file, and read its text."""
        data = part.data()
        inner = parse(data)
        subject = inner.headers.text("subject")
        name = _name(part) or (f"{base_name(subject.replace('/', '_'))}"[:80] + ".eml" if subject else None)
        out = Content(files=[File(name=name, media_type=part.media_type, data=data)])
        if self.nesting < MAX_NESTED:
            content = Reader(self.marks, forwarded=True, nesting=self.nesting + 1, guesses=self.guesses).read(inner)
            text, deeper = content.text(), content.attached()
            out.defects, out.spare = content.defects, [*content.spare, *([subject] if subject else ())]
            whole = "\n\n".join(filter(None, (subject if self.nesting else None, text.strip("\n"), deeper)))
            out.nested = [whole] if whole else []
        return out


def _is_shown(part: Part, in_alternative: bool) -> bool:
    """Return whether a mail program shows this part in the window, not as an icon."""
    kind = part.media_type
    if not kind.startswith("text/") or kind in _FILE_TEXTS:
        return False
    if part.disposition.value == "attachment":
        return False
    return part.depth == 0 or in_alternative or _name(part) is None


def _is_flowed(part: Part) -> bool:
    return (part.content.text("format") or "").lower() == "flowed"


def _length(content: Content) -> int:
    return 0 if is_stub(content.texts) else sum(map(len, content.texts))


def _chosen(filled: list[Content], marks: Marks) -> Content | None:
    """Return the alternative that loses nothing: plain text, or the longer one with the lines of the plain one that it
    lacks.
    """
    plain = next((content for content in filled if not content.from_html), None)
    others = [content for content in filled if content is not plain]
    if plain is None or not others:
        return plain or (filled[-1] if filled else None)
    if is_stub(plain.texts):
        return others[-1]
    full, fullest = max(((_letters(content.texts), content) for content in others), key=lambda one: len(one[0]))
    mine = _letters(plain.texts)
    if not _says_more(len(full), len(mine)) or full in mine:
        return plain
    left_out = list(left_out_of("\n".join(plain.texts).split("\n"), full))
    if any(
        marks.may_open.search(line) or QUOTED.match(line) for line in left_out
    ):  # before the rest it would quote it all
        fullest.texts += left_out
    else:
        fullest.texts[:0] = left_out
    return fullest


def left_out_of(lines: Iterable[str], full: str) -> Iterator[str]:
    """Yield the lines whose letters the text `full` lacks.

    Each line is searched after the line before it, where both alternatives of a mail have it, then in the whole text
    while the budget lasts. An unsearched line counts as missing: repeated words are no loss.
    """
    at, budget = 0, _SEARCHED
    for line in lines:
        letters = _letters([line])
        found = full.find(letters, at, at + len(letters) + _NEAR)
        if found < 0 and budget > 0:
            budget -= len(full)
            found = full.find(letters)
        if found < 0:
            yield line
        else:
            at = found + len(letters)


def _says_more(one: int, other: int) -> bool:
    """Return whether a text of so many characters has much more words: spelled links and pictures are none."""
    return one >= 1.25 * other + 4


def _letters(texts: list[str]) -> str:
    """Return the words of texts as comparison sees them: no blanks, no punctuation, no links."""
    return "".join(filter(str.isalnum, fold(_LINK.sub("", "\n".join(texts)))))


def _has_text(content: Content) -> bool:
    return any(text.strip() for text in content.texts)


def _name(part: Part) -> str | None:
    for parameters, key in ((part.disposition, "filename"), (part.content, "name"), (part.disposition, "name")):
        name = base_name(parameters.text(key))
        if name:
            return name
    if not part.media_type.startswith("text/") and (location := part.headers.text("content-location")):
        return base_name(location.split("?")[0])
    if "uu" in (part.headers.text("content-transfer-encoding") or "").lower():
        begin = re.search(rb"^begin\s+[0-7]{3,4}\s+(\S[^\r\n]*)", part.body[:4096], re.MULTILINE)
        return base_name(to_text(begin[1])) if begin else None
    return None


def _file_type(part: Part) -> str:
    """Return the declared type, or, if it is missing or invalid, the type by the file's name."""
    if part.content.value == part.media_type:
        return part.media_type
    guessed = _TYPES.guess_type(_name(part) or "")[0]
    return guessed or (part.media_type if not part.content.value else "application/octet-stream")


def _uu_file(name: bytes, data: bytes) -> File:
    text = base_name(to_text(name))
    return File(name=text, media_type=_TYPES.guess_type(text or "")[0] or "application/octet-stream", data=data)


def _unparted(part: Part) -> Content:
    """Show the raw text of a multipart that could not be cut; one nested too deep is kept as a file as well."""
    data = part.body
    if not part.too_deep:
        text = to_text(data)
        shown = _FRAME.sub("", text) if len(text) < MAX_HTML else text
        return Content(texts=[shown.strip("\n")], defects={"no_parts"} if data.strip() else set())
    text = re.sub(r"\n{3,}", "\n\n", _FRAME.sub("", to_text(data[: 1024 * 1024])))
    file = File(name="too-deep.eml", media_type="application/octet-stream", data=data)
    return Content(texts=[text.strip("\n")], files=[file], defects={"too_deep"})
