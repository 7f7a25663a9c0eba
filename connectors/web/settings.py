"""Settings of one city's web channel: paths, clients, limits of size and rate."""

import re
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator

from connectors.base import Jurisdiction
from schemas.settings_base import Section

LEAST_KEY_CHARACTERS = 16

ApiKey = Annotated[SecretStr, Field(min_length=LEAST_KEY_CHARACTERS, max_length=200)]
MIB = 1024 * 1024

_is_name = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*").fullmatch


class ClientSettings(Section):
    """One app that may send requests by Open311."""

    api_keys: tuple[ApiKey, ...] = Field(
        min_length=1, description="Its api_key, 16 characters or more; the old and the new one while it is changed"
    )


class WebSettings(Section):
    """One city's web door: a form for citizens and Open311 for apps; `[connectors.web.NAME]` in hotline.toml."""

    jurisdiction: Jurisdiction = None
    path: str = Field(
        "/web", pattern=r"^(/[\w.-]+)+$", description="Path on the receiver: the form; Open311 is below it"
    )
    form: bool = Field(True, description="Whether the form and its status page are served")
    open311: bool = Field(
        False, description="Whether Open311 is served: it tells everybody of each request that is not confidential"
    )
    clients: dict[str, ClientSettings] = Field(
        default_factory=dict, description="Apps that may send requests by Open311, by an id of your own"
    )
    jurisdiction_id: str | None = Field(
        None, min_length=1, description="What apps name the city by, such as city.gov.cn; its 行政区划代码 always works"
    )
    public_url: str | None = Field(
        None, pattern=r"^https?://", description="URL of `path` as citizens see it, for Open311's discovery document"
    )
    contact: str = Field("12345", min_length=1, description="Whom apps' makers ask, for Open311's discovery document")
    hotline_code: str | None = Field(
        None, pattern=r"^\d{3,6}$", description="Number of the merged line (归并热线) whose door this is, such as 12301"
    )
    told: Literal["status", "masked"] = Field(
        "status",
        description="What everybody may read of a request by Open311: how far it is, or its masked words as well",
    )
    body_max_bytes: int = Field(20 * MIB, gt=0, le=60 * MIB, description="A greater submission is refused (413)")
    file_max_bytes: int = Field(10 * MIB, gt=0, description="A greater file is refused")
    files_max: int = Field(5, ge=0, le=50, description="So many files may come with a submission")
    body_timeout_seconds: float = Field(
        300.0,
        gt=0,
        description="A slower submission is refused (408), and so is one that brings less than 1 KiB a second "
        "after its first 10 s",
    )
    held_max_bytes: int = Field(
        200 * MIB,
        gt=0,
        description="Bytes that have arrived of submissions over 64 KiB, in memory at once; more are answered 503",
    )
    held_per_address_bytes: int = Field(
        60 * MIB, gt=0, description="The same of one address (IPv6: one /64); more are answered 503"
    )
    form_per_hour: int = Field(10, gt=0, description="Submissions of the form that one address may send in an hour")
    urgent_per_hour: int = Field(
        30,
        gt=0,
        description="Forms with an emergency (紧急情况) of one address that ring by themselves in an hour; "
        "the hand-overs of more fold into the last one that rang, and each is kept",
    )
    questions_per_hour: int = Field(60, gt=0, description="Questions for a status that one address may ask in an hour")
    reads_per_hour: int = Field(
        6_000, gt=0, description="Requests that one address may read by Open311 in an hour, each list as one"
    )
    stamp_hours: float = Field(24.0, gt=0, description="So long an open form may be sent; later it asks once more")
    receipt_days: float = Field(7.0, gt=0, description="So long the page of a receipt shows the 查询码")
    archive_timeout_seconds: float = Field(3.0, gt=0, description="After this long a question is answered 503")

    @field_validator("clients")
    @classmethod
    def _are_apart(cls, clients: dict[str, ClientSettings]) -> dict[str, ClientSettings]:
        if not all(map(_is_name, clients)):
            raise ValueError("the id of a client must be lower_snake_case, such as city_app")
        keys = [key.get_secret_value() for client in clients.values() for key in client.api_keys]
        if len(set(keys)) < len(keys):
            raise ValueError("two clients have the same api_key: give each its own")
        return clients
