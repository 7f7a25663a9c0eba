"""A line more in a table of a source file; the formatter sets it, and the order of imports, right."""

import ast
import re
from collections import Counter


def entered(text: str, table: str, name: str, value: str, before: str | None = None) -> str:
    """Return a module with an entry more in a table: before that key, else before the first that sorts behind it."""
    found = _table(text, table)
    behind = (key.lineno for key in found.keys if key and _is_behind(key, name, before))
    return _inserted(text, next(behind, found.end_lineno or 0), f'        "{name}": {value},')


def imported(text: str, room: str, name: str) -> str:
    """Return a module that imports one more module of a room."""
    return _replaced(text, rf"^from {re.escape(room)} import \(?", rf"\g<0>{name}, ")


def imported_beside(text: str, line: str) -> str:
    """Return a module with an import more, beside those out of the same room."""
    return _replaced(text, rf"^{line.partition('.')[0]}\.", rf"{line}\n\g<0>")


def rowed(text: str, row: str) -> str:
    """Return a page with a row more at the end of its last table."""
    return _replaced(text, r"(?s)\A.*^\|[^\n]*\n", rf"\g<0>{row}\n")


def linked(text: str, folder: str, link: str) -> str:
    """Return a page with a link more behind the last one into a folder."""
    return _replaced(text, rf"(?s)\A.*\]\({re.escape(folder)}[^)]*\)", rf"\g<0>,\n{link}")


def bound_twice(text: str) -> list[str]:
    """Return the names that a module imports or defines more than once at its top."""
    bound = Counter(name for node in ast.parse(text).body for name in _bound(node))
    return [name for name, times in bound.items() if times > 1]


def _bound(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [one.asname or one.name.partition(".")[0] for one in node.names]
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _table(text: str, name: str) -> ast.Dict:
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and name in _bound(node) and node.value:
            return next(one for one in ast.walk(node.value) if isinstance(one, ast.Dict))
    raise LookupError(name)


def _is_behind(key: ast.expr, name: str, before: str | None) -> bool:
    if not isinstance(key, ast.Constant):
        return False
    return key.value == before if before else str(key.value) > name


def _inserted(text: str, number: int, line: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join([*lines[: number - 1], f"{line}\n", *lines[number - 1 :]])


def _replaced(text: str, pattern: str, by: str) -> str:
    """Replace the first match; raises LookupError when there is none: then nothing may be written."""
    changed, count = re.subn(pattern, by, text, count=1, flags=re.MULTILINE)
    if not count:
        raise LookupError(pattern)
    return changed
