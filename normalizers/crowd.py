"""How much a JSON body holds, told before anything is built of it."""

import re
from itertools import islice

from schemas.errors import MalformedError

MOST_MARKS = 100_000
"""A body that a person or a platform fills has a thousandth of it; each may become an object of a hundred bytes."""

MAX_PATH = 1024
"""Characters of the name under which fields lie: it stands before the name of each."""

_MARK = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[,\[{]', re.DOTALL)


def not_crowded(body: bytes) -> bytes:
    """Return the body. Raises MalformedError when it has more texts, commas and brackets than anybody needs."""
    if next(islice(_MARK.finditer(body), MOST_MARKS, None), None) is not None:
        raise MalformedError(f"the JSON body has more than {MOST_MARKS} texts, commas and brackets")
    return body


def short(path: str) -> str:
    """Return the name under which fields lie. Raises MalformedError for one that would fill the memory with them."""
    if len(path) > MAX_PATH:
        raise MalformedError(f"the JSON body has fields under a name of more than {MAX_PATH} characters")
    return path
