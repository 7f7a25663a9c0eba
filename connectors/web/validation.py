"""Validates Open311 requests; returns all problems at once, with the codes of GeoReport v2."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from connectors.web.settings import WebSettings
from normalizers.web import places
from normalizers.web.fields import Fields
from normalizers.web.open311 import LINKS, attribute_code
from normalizers.web.services import LISTS, Attribute, Service

MOST_CHARACTERS = 4_000
"""Characters of a description, by the specification."""

MOST_IN_A_FIELD = 1_000
MOST_IN_A_NAME = 255
"""Characters of a file's name."""


class Problem(NamedTuple):
    """One entry of the error list."""

    code: int
    description: str


class WrongError(Exception):
    """An invalid request; `problems` lists all reasons."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


def status_of(found: Sequence[Problem]) -> int:
    """Return the HTTP status: that of the problems if all have the same code (403, 404), else 400."""
    codes = {problem.code for problem in found}
    return codes.pop() if len(codes) == 1 else 400


def jurisdiction(given: str, settings: WebSettings) -> Iterator[Problem]:
    """Check `jurisdiction_id`: this endpoint serves one city, so it may be left out."""
    if given and given not in (settings.jurisdiction, settings.jurisdiction_id):
        yield Problem(404, "jurisdiction_id was not found: this endpoint serves another city")


def request(given: Fields, services: Mapping[str, Service], settings: WebSettings) -> list[Problem]:
    """Return all problems of a service request."""
    form = given.form
    return [
        *jurisdiction(form.get("jurisdiction_id", ""), settings),
        *_service(form, services),
        *_location(form),
        *_texts(form),
        *_media_url(given),
        *_attributes(given, services.get(form.get("service_code", ""))),
        *files(given, settings),
    ]


def update(given: Fields, settings: WebSettings) -> Iterator[Problem]:
    """Check an update of a request."""
    form = given.form
    yield from jurisdiction(form.get("jurisdiction_id", ""), settings)
    for name in ("service_request_id", "description"):
        if not form.get(name, "").strip():
            yield Problem(400, f"{name} was not provided")
    yield from _texts(form)
    yield from _media_url(given)
    yield from files(given, settings)


def files(given: Fields, settings: WebSettings) -> Iterator[Problem]:
    """Check the uploads by number, size and name; no file is opened."""
    if len(given.files) > settings.files_max:
        yield Problem(400, f"more than {settings.files_max} files")
    if any(len(one.data) > settings.file_max_bytes for one in given.files):
        yield Problem(400, f"a file is larger than {settings.file_max_bytes} bytes")
    if any(len(one.name) > MOST_IN_A_NAME for one in given.files):
        yield Problem(400, f"the name of a file is longer than {MOST_IN_A_NAME} characters")


def _service(form: Mapping[str, str], services: Mapping[str, Service]) -> Iterator[Problem]:
    code = form.get("service_code", "")
    if not code:
        yield Problem(400, "service_code was not provided")
    elif code not in services:
        yield Problem(404, "service_code was not found: GET services lists them")


def _location(form: Mapping[str, str]) -> Iterator[Problem]:
    lat, long = form.get("lat", "").strip(), form.get("long", "").strip()
    if bool(lat) != bool(long):
        yield Problem(400, "lat and long must be sent together")
    elif lat and places.is_swapped(lat, long):
        yield Problem(400, "lat and long are swapped: lat is the latitude")
    elif lat and places.point_of(lat, long) is None:
        yield Problem(400, "lat and long must be degrees (WGS84), such as 41.8057 and 123.4315")
    elif not (lat or form.get("address_string", "").strip() or form.get("address_id", "").strip()):
        yield Problem(400, "no location: send lat and long, address_string or address_id")


def _texts(form: Mapping[str, str]) -> Iterator[Problem]:
    if len(form.get("description", "")) > MOST_CHARACTERS:
        yield Problem(400, f"description is longer than {MOST_CHARACTERS} characters")
    for name in (
        "address_string",
        "address_id",
        "email",
        "phone",
        "first_name",
        "last_name",
        "account_id",
        "device_id",
    ):
        if len(form.get(name, "")) > MOST_IN_A_FIELD:
            yield Problem(400, f"{name} is longer than {MOST_IN_A_FIELD} characters")


def _media_url(given: Fields) -> Iterator[Problem]:
    """Check the syntax of each link; its target is never requested."""
    urls = (value.strip() for name, value in given.pairs if name in LINKS)
    if not all(_is_web_address(url) for url in urls if url):
        yield Problem(400, "media_url must be an http or https address")


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and len(url) <= 2 * MOST_IN_A_FIELD
    except ValueError:
        return False


def _attributes(given: Fields, service: Service | None) -> Iterator[Problem]:
    answers: dict[str, list[str]] = {}
    for name, value in given.pairs:
        code = attribute_code(name)
        if code is not None and value.strip():
            answers.setdefault(code, []).append(value.strip())
    for attribute in service.attributes if service else ():
        values = answers.get(attribute.code, [])
        if attribute.required and not values:
            yield Problem(400, f"the required attribute {attribute.code} is missing")
        if values and not _fits(attribute, values):
            yield Problem(400, f"attribute {attribute.code} takes {_wanted(attribute)}")


def _fits(attribute: Attribute, values: Sequence[str]) -> bool:
    if attribute.datatype != "multivaluelist" and len(values) > 1:
        return False
    if attribute.datatype in LISTS:
        return set(values) <= {*attribute.values}
    return _CHECKS.get(attribute.datatype, _is_text)(values[0])


def _wanted(attribute: Attribute) -> str:
    if attribute.datatype in LISTS:
        many = "some" if attribute.datatype == "multivaluelist" else "one"
        return f"{many} of {', '.join(attribute.values)}"
    return f"one {attribute.datatype}"


def _is_text(value: str) -> bool:
    return len(value) <= MOST_CHARACTERS


def _is_number(value: str) -> bool:
    try:
        return math.isfinite(float(value)) and len(value) <= MOST_IN_A_NAME
    except ValueError:
        return False


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


_CHECKS = {"number": _is_number, "datetime": _is_time}
