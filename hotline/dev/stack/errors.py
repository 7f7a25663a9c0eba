"""What can go wrong with the local stack, as one sentence for the person who started it."""

from schemas.errors import FatalError


class StackError(FatalError):
    """The local stack cannot do what was asked; the message says what to do next."""
