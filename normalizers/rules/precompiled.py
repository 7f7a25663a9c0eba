"""Precompiled regular expressions and other slow results, read from a file that is written once per installation.

`python -m normalizers.precompile` writes it beside the .pyc files of this package, for one build of Python, and with
the same trust as those. Each result is named by the digest of its source: rules of a city, or changed ones, find no
result of others and are compiled as usual. Without the file everything is compiled.
"""

import _sre  # type: ignore[import-not-found] # typeshed has no stub of it
import hashlib
import marshal
import os
import re
import sys
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any, TypeVar

Made = TypeVar("Made")

KNOWN_VERSIONS = ((3, 11), (3, 12), (3, 13))
"""Versions of Python whose `_sre.compile` takes these arguments; others compile anew."""

_GUARD = (sys.version, _sre.MAGIC, _sre.CODESIZE)
_recorded: dict[bytes, Any] | None = None


def path() -> Path:
    """Return the path of the file, which holds the version of Python in its name."""
    return Path(cache_from_source(__file__)).with_suffix(".bin")


def pattern(written: str, flags: int = 0) -> re.Pattern[str]:
    """Compile a regular expression, or read it compiled; raises re.error as `re.compile` does."""
    if sys.version_info[:2] not in KNOWN_VERSIONS:
        return re.compile(written, flags)
    code, all_flags, groups, names, numbered = remembered(
        f"pattern {int(flags)}", written, lambda: _compiled(written, flags)
    )
    made: re.Pattern[str] = _sre.compile(written, all_flags, array("I", code).tolist(), groups, names, numbered)
    return made


def _compiled(written: str, flags: int) -> tuple[Any, ...]:
    """Return the arguments of `_sre.compile`, as `re._compiler.compile` makes them."""
    from re import _compiler, _parser  # type: ignore[attr-defined] # private: only in versions that are known

    parsed = _parser.parse(written, flags)
    code = _compiler._code(parsed, flags)
    names: dict[str, int] = parsed.state.groupdict
    numbered: list[str | None] = [None] * parsed.state.groups
    for name, number in names.items():
        numbered[number] = name
    all_flags = int(flags | parsed.state.flags)
    return array("I", code).tobytes(), all_flags, parsed.state.groups - 1, dict(names), tuple(numbered)


def remembered(kind: str, source: str, make: Callable[[], Made]) -> Made:
    """Return the result for a source, made now or read; it consists of types of `marshal` and must not be changed."""
    name = hashlib.blake2b(f"{kind}\0{source}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
    if _recorded is not None:
        if name not in _recorded:
            _recorded[name] = make()
        known: Made = _recorded[name]
        return known
    found: Made | None = _read().get(name)
    return make() if found is None else found


def digest_of(file: str) -> str:
    """Return the digest of a file that results are made of; its time would change with each checkout or copy."""
    return hashlib.blake2b(Path(file).read_bytes(), digest_size=16).hexdigest()


@contextmanager
def recorded() -> Iterator[dict[bytes, Any]]:
    """Make all results that are asked for meanwhile, and hand them out."""
    global _recorded
    _recorded = {}
    try:
        yield _recorded
    finally:
        _recorded = None


def write(results: dict[bytes, Any]) -> None:
    """Write the file in one step: a process that starts meanwhile reads the old one or the new one."""
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_bytes(marshal.dumps((_GUARD, {name: one for name, one in results.items() if _is_written(one)})))
    draft.replace(file)


def _is_written(result: Any) -> bool:
    try:
        marshal.dumps(result)
    except ValueError:  # a date in a city's rules
        return False
    return True


@cache
def _read() -> dict[bytes, Any]:
    """Return the content of the file; empty without one, or if another build of Python wrote it."""
    try:
        guard, results = marshal.loads(path().read_bytes())  # noqa: S302 # as much to be trusted as a .pyc file
    except (OSError, ValueError, EOFError, TypeError):
        return {}
    return dict(results) if guard == _GUARD else {}
