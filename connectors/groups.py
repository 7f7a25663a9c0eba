"""Consumer groups and transactional ids of the fetcher and the outbox; rights and alarms rest on these names."""

FETCHER = "hotline-fetcher"
OUTBOX = "hotline-outbox"

ACCOUNT_PREFIX = "hotline-answers-"
"""Prefix of the transactional ids of accounts that send over their session."""


def transactional_id(partition: int, account: str | None = None) -> str:
    """Return the transactional id of the owner of a partition, or of an account in it."""
    return f"{OUTBOX}-{partition}" if account is None else f"{ACCOUNT_PREFIX}{partition}-{account}"
