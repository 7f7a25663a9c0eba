"""Reader: takes fields off a binary message in order; a field that is not there makes the message malformed."""

from schemas.errors import MalformedError


class Reader:
    """The unread rest of some bytes; no more is taken than exists, whatever a length field says."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Return how many bytes are left."""
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes. Raises MalformedError if there are fewer."""
        if size > self.left:
            raise MalformedError("the message ends in the middle of a field: check the gateway's output")
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self, size: int = 1) -> int:
        """Return the next `size` bytes as a number, greatest byte first. Raises as `take` does."""
        return int.from_bytes(self.take(size), "big")

    def word(self, size: int) -> str:
        """Return a field of fixed size, up to its first NUL; bytes that are no ASCII stay visible. Raises as `take`."""
        return plain(self.take(size))

    def line(self) -> str:
        """Return a NUL-terminated string. Raises MalformedError without a NUL."""
        end = self._data.find(b"\0", self._at)
        if end < 0:
            raise MalformedError("a string of the message has no end: check the gateway's output")
        found = self.take(end - self._at)
        self.take(1)
        return plain(found)


def plain(data: bytes) -> str:
    """Return a name or number as text."""
    return data.split(b"\0", 1)[0].decode("ascii", "backslashreplace").strip()
