"""What finds personal words by the rules, and keeps which texts it was asked about."""

from normalizers.pii.detect import by_rules
from normalizers.rules import Rules
from normalizers.text.fold import Span


class Asked:
    """Finds by the rules, and keeps what it was asked."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def find(self, text: str, rules: Rules) -> list[Span]:
        """Return the personal spans of a text."""
        self.texts.append(text)
        return list(by_rules(text, rules))
