"""What every account has: the city that its messages are for."""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from schemas.errors import MisconfiguredError
from schemas.ids import ADCODE

Adcode = Annotated[str, Field(pattern=ADCODE)]
"""行政区划代码 of a city, six digits."""

Jurisdiction = Annotated[
    str | None, Field(pattern=ADCODE, description="行政区划代码 of the city; the settings' own by default")
]
"""None by default: the settings give every account a city that names none."""


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
