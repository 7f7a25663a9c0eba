"""Id of a message without an id from its source: a digest of its content, and of the day if needed."""

import hashlib
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field, SecretStr

from schemas.ids import keyed_digest

NamingKey = Annotated[
    SecretStr | None,
    Field(min_length=16, description="HMAC key of its messages' ids; one that is made of `query_key` by default"),
]
"""Key of the digest for messages identified by words and sender only. A ticket's id derives from the message id and is
read by people who do not see the sender; without a key they could try all telephone numbers until one gives the id."""


def digest_of(said: bytes, key: SecretStr | None) -> str:
    """Return the id of a message from its whole content; without a key, all who know the content can compute it."""
    secret = key.get_secret_value().encode() if key is not None else None
    return (hashlib.sha256(said).digest() if secret is None else keyed_digest(secret, said)).hex()


def day_of(now: datetime) -> str:
    """Return the day (YYYYMMDD) on which a message came, for messages without an id and a time.

    By its words alone, the same words of another day would be a repeat for ever. The day ends at four in the morning
    in China, when hardly any message is repeated; one that is becomes two messages, joined as one person's repeat.
    """
    return f"{now + _NIGHT:%Y%m%d}"


_NIGHT = timedelta(hours=4)
"""From UTC to such a day."""
