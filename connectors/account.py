"""What every account has: the city that its messages are for."""

import hashlib
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SecretStr

from schemas.errors import MisconfiguredError
from schemas.ids import ADCODE
from schemas.keyed import keyed_digest

Adcode = Annotated[str, Field(pattern=ADCODE)]
"""行政区划代码 of a city, six digits."""

Jurisdiction = Annotated[
    str | None, Field(pattern=ADCODE, description="行政区划代码 of the city; the settings' own by default")
]
"""None by default: the settings give every account a city that names none."""


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


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # a folder's name, or one too long for a file
        raise ValueError("it is no time zone: write one such as Asia/Shanghai or UTC") from error
    return name


Zone = Annotated[str, Field(min_length=1), AfterValidator(_known_zone)]
"""Name of a time zone. One that there is not would count as China's, and nobody would see by how much times are off."""


def city_of(jurisdiction: str | None, account_id: str) -> str:
    """Return the city of an account; raises MisconfiguredError when it has none."""
    if jurisdiction is None:
        raise MisconfiguredError(f"the account {account_id} has no jurisdiction: set its 行政区划代码")
    return jurisdiction
