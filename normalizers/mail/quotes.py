"""Separates the citizen's words from quoted ones; nothing visible is lost, it only moves."""

from typing import NamedTuple

from normalizers.text import quote_patterns as rules
from normalizers.text.quote_patterns import Marks

_ATTRIBUTION_LINES = 4
_MAX_TRIES = 1_000
_MAX_LINES = 20_000
_MAX_LINE = 4_000


class Split(NamedTuple):
    """The writer's own words, the repeated ones and the signature; text + quoted + signature hold every line."""

    text: str
    quoted: str | None
    signature: str | None


def split(text: str, marks: Marks, *, forwarded: bool = False, certain: bool = False) -> Split:
    """Split one body. A forwarded mail's content is the matter itself, so it stays in the text.

    `certain` says that ">" means a quotation even on a single line, as in a reply, in HTML and in flowed text.
    """
    lines = text.split("\n")
    own = [True] * len(lines)
    if not forwarded:
        _mark(lines, own, marks, certain)
    kept = [line for line, mine in zip(lines, own, strict=True) if mine]
    if not any(line.strip() for line in kept):  # nothing but repetition: then it is the message
        kept, own = lines, [True] * len(lines)
    body, signature = _signature(kept, marks)
    quoted = [line for line, mine in zip(lines, own, strict=True) if not mine]
    return Split(_joined(body, close_gaps=bool(quoted)) or "", _joined(quoted), _joined(signature))


def is_signature(text: str, marks: Marks) -> bool:
    """Return whether a text is only a signature."""
    lines = [line for line in text.split("\n") if line.strip()]
    return bool(lines) and (_signs(lines) or all(map(marks.device.match, lines)))


def _joined(lines: list[str], *, close_gaps: bool = True) -> str | None:
    """Join lines; runs of blank lines, left by removed parts, become one."""
    out: list[str] = []
    for line in lines:
        line = line.rstrip()
        if line or not close_gaps or (out and out[-1]):
            out.append(line)
    return "\n".join(out).strip("\n") or None


def _mark(lines: list[str], own: list[bool], marks: Marks, announced: bool) -> None:
    """Mark every quoted line; a single line with ">" and nothing that announces it is the writer's own."""
    index, tries = 0, 0
    marked: list[int] = []
    while index < min(len(lines), _MAX_LINES):
        line, length = lines[index], 0
        if len(line) > _MAX_LINE:
            pass
        elif rules.QUOTED.match(line):
            marked.append(index)
        elif marks.forward.match(line):  # the following text was forwarded to be read
            break
        elif tries < _MAX_TRIES and marks.may_open.search(line):
            tries += 1
            length = _opening(lines, index, marks)
        if length == 0:
            index += 1
            continue
        announced = True
        marked.extend(range(index, index + length))
        index += length
        if not rules.QUOTED.match(_next(lines, index)):
            marked.extend(range(index, len(lines)))
            break
    if announced or len(marked) > 1:
        for index in marked:
            own[index] = False


def _next(lines: list[str], index: int) -> str:
    return next((lines[i] for i in range(index, len(lines)) if lines[i].strip()), "")


def _opening(lines: list[str], index: int, marks: Marks) -> int:
    """Return how many lines the opening of a quotation takes here, 0 for none."""
    line = lines[index]
    if len(line) > rules.MAX_OPENING:
        return 0
    if marks.separator.match(line):
        return 1
    if rules.LINE.match(line) or rules.ADDRESS.match(line):
        rest = next((i for i in range(index + 1, min(index + 4, len(lines))) if lines[i].strip()), index)
        below = _header_block(lines, rest, marks) if rest > index else 0
        return rest - index + below if below else 0
    return _header_block(lines, index, marks) or _attribution(lines, index, marks)


def _attribution(lines: list[str], index: int, marks: Marks) -> int:
    """Match "On ... wrote:" in many languages, also when it was wrapped over several lines."""
    if not marks.may_attribute.search(lines[index]):
        return 0
    text = ""
    for count in range(1, min(_ATTRIBUTION_LINES, len(lines) - index) + 1):
        piece = lines[index + count - 1].strip()
        text = f"{text} {piece}".strip()
        if len(text) > rules.MAX_OPENING or rules.DELIMITER.match(lines[index]):
            return 0
        if not piece and not _next(lines, index + count).lstrip().startswith("<"):  # a paragraph ends
            return 0
        if marks.is_attribution(text, rules.QUOTED.match(_next(lines, index + count)) is not None):
            return count
    return 0


def _header_block(lines: list[str], index: int, marks: Marks) -> int:
    """Match a repeated header (From/Sent/To/Subject, 发件人/发送时间/收件人/主题) and return its lines."""
    kinds: set[str] = set()
    end = stray = 0
    if marks.header_kind(lines[index]) is None:
        return 0
    for offset, line in enumerate(lines[index : index + rules.MAX_HEADER_LINES]):
        kind = marks.header_kind(line)
        stray = 0 if kind else stray + 1
        if stray > 2 or (not line.strip() and _enough(kinds)):  # a long list of recipients is wrapped
            break
        if kind:
            kinds.add(kind)
            end = offset + 1
    return end if _enough(kinds) else 0


def _enough(kinds: set[str]) -> bool:
    return "from" in kinds and ("date" in kinds or len(kinds) >= 3)


def _signature(lines: list[str], marks: Marks) -> tuple[list[str], list[str]]:
    """Split the signature off: from "-- " on, or the line that a phone adds at the end."""
    for index in range(len(lines) - 1, max(0, len(lines) - 1 - rules.SIGNATURE_WITHIN), -1):
        if marks.forward.match(lines[index]):
            return lines, []
        if _signs(lines[index:]) and any(line.strip() for line in lines[:index]):
            return lines[:index], lines[index:]
    last = next((i for i in range(len(lines) - 1, -1, -1) if lines[i].strip()), 0)
    if last and len(lines[last]) <= 100 and marks.device.match(lines[last].strip()):
        start = last - 1 if rules.RULE.match(lines[last - 1]) else last
        return (lines[:start], lines[start:]) if any(line.strip() for line in lines[:start]) else (lines, [])
    return lines, []


def _signs(lines: list[str]) -> bool:
    """Return whether this is a delimiter above a name and a number, and not a line drawn above the matter."""
    if not rules.DELIMITER.match(lines[0]):
        return False
    said = [line.strip() for line in lines[1:] if line.strip()]
    text = "\n".join(said)
    return len(said) <= rules.MAX_SIGNATURE_LINES and len(text) <= rules.MAX_SIGNATURE and not rules.PROSE.search(text)
