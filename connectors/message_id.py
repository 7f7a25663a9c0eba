"""What names a message to which its source gives no name: a digest of all that it says, and of the day if need be."""

import hashlib
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field, SecretStr

from schemas.ids import keyed_digest

NamingKey = Annotated[
    SecretStr | None,
    Field(min_length=16, description="HMAC key of its messages' ids; one that is made of `query_key` by default"),
]
"""Of a message whose words and sender are all that names it: a ticket's id comes of the name and goes where the sender
does not, and whoever reads the words there could try all telephones until one gives the id."""


def digest_of(said: bytes, key: SecretStr | None) -> str:
    """Return what names a message by all that it says; without a key, anybody who knows it can make the name."""
    secret = key.get_secret_value().encode() if key is not None else None
    return (hashlib.sha256(said).digest() if secret is None else keyed_digest(secret, said)).hex()


def day_of(now: datetime) -> str:
    """Return the day (YYYYMMDD) on which a message came, for one that tells neither an id nor a time.

    By its words alone, the same words of another day would be a repeat for ever. It ends at four in the morning in
    China, when hardly anything comes again; what does is two messages, joined as one person's repeat.
    """
    return f"{now + _NIGHT:%Y%m%d}"


_NIGHT = timedelta(hours=4)
"""From UTC to such a day."""
