"""What every account has: the city that its messages are for."""

from typing import Annotated

from pydantic import Field

from schemas.errors import MisconfiguredError
from schemas.ids import ADCODE

Adcode = Annotated[str, Field(pattern=ADCODE)]
"""行政区划代码 of a city, six digits."""

Jurisdiction = Annotated[
    str | None, Field(pattern=ADCODE, description="行政区划代码 of the city; the settings' own by default")
]
"""None by default: the settings give every account a city that names none."""


def city_of(jurisdiction: str | None, account_id: str) -> str:
    """Return the city of an account; raises MisconfiguredError when it has none."""
    if jurisdiction is None:
        raise MisconfiguredError(f"the account {account_id} has no jurisdiction: set its 行政区划代码")
    return jurisdiction
