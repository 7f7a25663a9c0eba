"""GeoReport v2: the body of a service request (POST /requests), or of an update of one, as a draft."""

from collections.abc import Iterator, Mapping

from normalizers.base import Draft, File
from normalizers.parse.codes import is_hotline, is_reference
from normalizers.parse.contacts import identity_of
from normalizers.parse.coordinates import located
from normalizers.record import KINDS
from normalizers.rules import Rules
from normalizers.web import people, places
from normalizers.web.fields import LEFT_OUT, Fields
from normalizers.web.services import OTHER, Service, services
from schemas.records import Finding, Party, Thread

ATTRIBUTE = "attribute["
_NUMBER = "external_ticket_no"
_OWN = frozenset({"request_kind", "confidential", "hotline_code", _NUMBER})
"""Attributes that are understood; every other one stands below the text."""

_TAKEN = frozenset(
    {
        "api_key", "jurisdiction_id", "service_code", "lat", "long", "address_string", "email", "phone", "first_name",
        "last_name", "description", "description[]", "media_url", "account_id", "service_request_id", "query_code",
    }
)  # fmt: skip
LINKS = frozenset({"media_url", "media_url[]"})
"""As often as there are photos: FixMyStreet repeats the field, and JSON has a list."""

_KINDS = frozenset(KINDS.values())
_NO = frozenset({"no", "n", "false", "0", "off", "否", "不", "不需要", "不保密"})


def draft_of(given: Fields, options: Mapping[str, str], rules: Rules) -> Draft:
    """Return the draft of a request; `options` are the door's parameters: client, hotline_code, ticket (a token)."""
    form, attributes = given.form, dict(_attributes(given))
    service = services(rules).get(form.get("service_code", ""))
    asks = people.contact(
        rules,
        name=people.full_name(form),
        phone=form.get("phone", ""),
        email=form.get("email", ""),
        account=_account(form, options, rules),
    )
    return Draft(
        message_class="person",
        channel_kind="app",
        sender=asks.sender,
        recipients=answering(options),
        thread=Thread(reply_to=asks.reply_to),
        text=_text(given, attributes, service),
        files=files_of(given, options),
        findings=tuple(_findings(form, attributes, service, options)),
        extra=_extra(given.joined, attributes, service) | people.unread(form, asks),
    )


def answering(options: Mapping[str, str]) -> tuple[Party, ...]:
    """Return the address of the ticket that the door checked the sender's right to, as a mail's would name it."""
    token = options.get("ticket")
    return (Party(kind="uid", value=f"web+{token}"),) if token else ()


def written(given: Fields, name: str) -> str:
    """Return a text as often as it was sent, each once, a list of JSON too."""
    values = (value.strip() for key, value in given.pairs if key.removesuffix("[]") == name)
    return "\n".join(dict.fromkeys(filter(None, values)))


def files_of(given: Fields, options: Mapping[str, str]) -> tuple[File, ...]:
    """Return the uploaded files; of those that the door left out, why their bytes will never come."""
    return tuple(
        File(name=one.name, media_type=one.media_type, unavailable=why)
        if (why := options.get(LEFT_OUT)) and not one.data
        else File(name=one.name, media_type=one.media_type, data=one.data)
        for one in given.files
    )


def _account(form: Mapping[str, str], options: Mapping[str, str], rules: Rules) -> str:
    """Return the app's own id of its user, which is unique within the app; None for a user who is not logged in."""
    client, account = options.get("client", ""), form.get("account_id", "").strip()
    is_somebody = identity_of(Party(kind="uid", value=account), rules) is not None
    return f"{client}:{account}" if client and is_somebody else ""


def _attributes(given: Fields) -> Iterator[tuple[str, list[str]]]:
    """Yield the answers by their codes: `attribute[code]=v` and `attribute[code][]=v` mean the same."""
    found: dict[str, list[str]] = {}
    for name, value in given.pairs:
        code = attribute_code(name)
        if code is not None and value.strip():
            found.setdefault(code, []).append(value.strip())
    yield from found.items()


def attribute_code(name: str) -> str | None:
    """Return the code in `attribute[code]` or `attribute[code][]`, None for any other field."""
    inner = name.removesuffix("[]")
    if not (inner.startswith(ATTRIBUTE) and inner.endswith("]")):
        return None
    code = inner[len(ATTRIBUTE) : -1]
    return code if code and not set(code) & set("[]") else None


def _text(given: Fields, attributes: Mapping[str, list[str]], service: Service | None) -> str:
    """Return the description, followed by other fields that a clerk must read."""
    form = given.form
    said = written(given, "description") or (service.name if service else "")
    place = form.get("address_string", "").strip()
    names = {one.code: one for one in service.attributes} if service else {}
    lines = [said] if said else []
    if place and place not in said:
        lines.append(f"地点：{place}")
    if form.get("address_id", "").strip():
        lines.append(f"地址编号：{form['address_id'].strip()}")
    for code, values in attributes.items():
        if code not in _OWN:
            known = names.get(code)
            told = "、".join(known.values.get(value, value) for value in values) if known else "、".join(values)
            lines.append(f"{known.name if known else code}：{told}")
    lines += [f"媒体链接：{url.strip()}" for name, url in given.pairs if name in LINKS and url.strip()]
    return "\n".join(lines)


def _findings(
    form: Mapping[str, str], attributes: Mapping[str, list[str]], service: Service | None, options: Mapping[str, str]
) -> Iterator[Finding]:
    def answer(code: str) -> str:
        return attributes.get(code, [""])[0]

    if service is not None and service.code != OTHER:
        yield said("category", service.code)
    if answer("request_kind") in _KINDS:
        yield said("request_kind", answer("request_kind"))
    yield from where(form.get("address_string", ""), form.get("lat", ""), form.get("long", ""))
    if not _NO.issuperset(value.lower() for value in attributes.get("confidential", ())):  # in doubt it is wished
        yield said("confidentiality", "confidential")
    yield from origin(answer("hotline_code"), options)
    if is_reference(answer(_NUMBER)):
        yield said(_NUMBER, answer(_NUMBER))


def said(kind: str, value: str) -> Finding:
    """Return the channel's own findings."""
    return Finding(kind=kind, value=value, source="channel")


def where(place: str, lat: str, long: str) -> tuple[Finding, ...]:
    """Return the place in words, and as coordinates if they are possible; apps send WGS-84."""
    if places.point_of(lat, long) is None:
        lat = long = ""
    return located(place.strip(), long, lat, datum="wgs84")


def origin(given: str, options: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the merged line (归并热线) through which the sender came, else the door's own."""
    number = given.strip() or options.get("hotline_code", "")
    if is_hotline(number):
        yield said("hotline_code", number)


def _extra(form: Mapping[str, str], attributes: Mapping[str, list[str]], service: Service | None) -> dict[str, str]:
    kept = {name: value for name, value in form.items() if name not in _TAKEN and not name.startswith(ATTRIBUTE)}
    kept |= {f"attribute[{code}]": "\n".join(values) for code, values in attributes.items() if code not in _OWN}
    number = "\n".join(attributes.get(_NUMBER, ()))
    if number and not is_reference(number):
        kept[f"attribute[{_NUMBER}]"] = number
    if service is None and form.get("service_code"):
        kept["service_code"] = form["service_code"]
    if form.get("media_url"):
        kept["media_url"] = form["media_url"]
    return {name: value for name, value in kept.items() if value.strip()}
