"""The life of a ticket (domain.md B3)."""

CLOSED = frozenset({"resolved", "revisited", "evaluated", "archived", "not_accepted"})
"""Statuses after which a ticket may leave the memory."""
