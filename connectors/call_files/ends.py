"""Ends: how long a growing file was when it had been read to its end; what stands behind that was written later.

Of a file that is delivered nobody can say so: a platform may deliver the calls of years at once.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from connectors.call_files.folder import Entry
from connectors.call_files.lines import Line


class _End(NamedTuple):
    size: int
    at: datetime


class Ends:
    """Of the files of one account, as far as this process saw them."""

    def __init__(self, *, growing: bool) -> None:
        self._growing = growing
        self._ends: dict[int, _End] = {}

    def keep(self, entries: Iterable[Entry]) -> None:
        """Forget the files that are gone."""
        self._ends = {one.inode: self._ends[one.inode] for one in entries if one.inode in self._ends}

    def reach(self, entry: Entry, looked: datetime) -> None:
        """Note that nothing is left of a file, which we `looked` at then or later."""
        if self._growing:
            self._ends[entry.inode] = _End(entry.size, looked)

    def forget(self, entry: Entry) -> None:
        """Note that another file stands there."""
        self._ends.pop(entry.inode, None)

    def before(self, entry: Entry, line: Line) -> datetime | None:
        """Return a time at which the line was not yet written."""
        end = self._ends.get(entry.inode)
        return end.at if end is not None and line.end > end.size else None
