"""format=flowed (RFC 3676): lines that end in a space go on in the next one of the same quote depth."""

import re

_QUOTES = re.compile(r"^(>*)( ?)")


def unflowed(text: str, *, delsp: bool) -> str:
    """Return `text` with its paragraphs on one line each."""
    out: list[list[str]] = []
    open_depth = -1
    for line in text.split("\n"):
        depth, content = _parted(line)
        flows = content.endswith(" ") and content != "-- "
        piece = content[:-1] if flows and delsp else content
        if open_depth == depth and content != "-- ":
            out[-1].append(piece)
        else:
            out.append([">" * depth + " ", piece] if depth else [piece])
        open_depth = depth if flows else -1
    return "\n".join("".join(pieces) for pieces in out)


def _parted(line: str) -> tuple[int, str]:
    """Return the quote depth and the line without quote marks and without its stuffed space."""
    match = _QUOTES.match(line)
    depth = len(match[1]) if match else 0
    return depth, line[match.end() if match else 0 :]
