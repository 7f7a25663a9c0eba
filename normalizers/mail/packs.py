"""What is inside winmail.dat: Outlook's files, its text, and the messages packed in it."""

from dataclasses import dataclass, field
from mimetypes import MimeTypes

from normalizers.draft import File
from normalizers.mail.charsets import to_text
from normalizers.mail.html import MAX_HTML, html_to_text
from normalizers.mail.params import base_name
from normalizers.mail.tnef import Pack, Packed, unpack, words

TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})

MAX_NESTED = 3
"""Messages packed in messages; deeper ones are files."""

_GUESSES = MimeTypes(filenames=())


@dataclass(slots=True)
class Opened:
    """A pack's own text, the texts of messages in it, and its files; `whole` is False when something was not read."""

    text: str | None = None
    nested: list[str] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    whole: bool = True


def opened(data: bytes, *, mark_quotes: bool, nesting: int = 0) -> Opened | None:
    """Open a pack; None for bytes that are none."""
    pack = unpack(data)
    if pack is None:
        return None
    out = Opened(text=_text(pack, mark_quotes), whole=pack.whole)
    for packed in pack.files:
        inner = opened(packed.data, mark_quotes=mark_quotes, nesting=nesting + 1) if _opens(packed, nesting) else None
        if inner:
            out.nested += [inner.text, *inner.nested] if inner.text else inner.nested
            out.files += inner.files
            out.whole &= inner.whole
        else:
            out.files.append(_file(packed))
    return out


def _opens(packed: Packed, nesting: int) -> bool:
    return packed.message and nesting < MAX_NESTED


def _text(pack: Pack, mark_quotes: bool) -> str | None:
    page = html_to_text(to_text(pack.html[:MAX_HTML]), mark_quotes=mark_quotes) if pack.html else None
    text = pack.plain or page or (words(pack.rtf) if pack.rtf else None)
    return text if text and text.strip() else None


def _file(packed: Packed) -> File:
    name = base_name(packed.name)
    guessed = _GUESSES.guess_type(name or "")[0]
    return File(name=name, media_type=packed.media_type or guessed or "application/octet-stream", data=packed.data)
