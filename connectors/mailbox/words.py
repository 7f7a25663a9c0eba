"""Words: what a server says, read as a library reads a socket's file, and never more of it than its limit."""

from typing import Any


class TooMuchError(OSError):
    """A server says more than any would."""


class Words:
    """A file of a socket whose reader holds so many bytes of one answer at most."""

    def __init__(self, file: Any, most: int) -> None:
        self.file = file
        self._most = self._left = most

    def begin(self) -> None:
        """Let another answer be as long."""
        self._left = self._most

    def readline(self, most: int) -> bytes:
        """Return a line, or so much of it; raises TooMuchError when the answer is too long."""
        return self._counted(self.file.readline(most))

    def read(self, size: int) -> bytes:
        """Return so many bytes; raises TooMuchError before they are read when the answer would be too long."""
        if size > self._left:
            raise TooMuchError
        return self._counted(self.file.read(size))

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def _counted(self, said: bytes) -> bytes:
        self._left -= len(said)
        if self._left < 0:
            raise TooMuchError
        return said
