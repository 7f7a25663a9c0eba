"""Requests of mapped webhooks as inputs of `hotline try`: a `.http` file holds one request.

POST /sms HTTP/1.1
Content-Type: application/json

{"mobile": "13800138000", "content": "路灯不亮"}
"""

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from msgspec import structs

from hotline.trial.inputs import Input
from normalizers.mapped_webhook import content_type_of, profile_of
from normalizers.rules import Rules
from schemas.errors import MalformedError, PipelineError, UnsupportedError

SUFFIX = ".http"


def expanded(inputs: Iterable[Input], profile: str | None, rules: Rules) -> Iterator[Input]:
    """Yield the inputs, with the messages of each request in its place."""
    for one in inputs:
        yield from apart(one, profile, rules) if one.fault is None and one.file_suffix == SUFFIX else (one,)


def apart(one: Input, profile: str | None, rules: Rules) -> Iterator[Input]:
    """Yield one input for each message of a request; a request that cannot be read is one input with its fault.

    Signatures and secrets are not checked: `hotline try` has no keys.
    """
    try:
        if profile is None:
            raise UnsupportedError("a .http file holds a request: name its sender with --profile")
        compiled = profile_of(rules, profile)
        method, target, headers, body = parse(one.data)
        if method != compiled.profile.method:
            raise MalformedError(f"the request is a {method}, and the profile reads {compiled.profile.method}")
        if method == "GET":
            body = urlsplit(target).query.encode()
        content_type = content_type_of(compiled, headers.get("content-type", ""))
        found = compiled.read(body, content_type)
    except PipelineError as error:
        yield structs.replace(one, fault=error)
        return
    part_type = content_type_of(compiled, "", is_part=True)
    for number, message in enumerate(found, 1):
        yield structs.replace(
            one,
            name=one.name if len(found) == 1 else f"{one.name}:{number}",
            channel=compiled.profile.channel,
            data=body if message.value is None else message.value,
            content_type=content_type if message.value is None else part_type,
        )


def parse(data: bytes) -> tuple[str, str, Mapping[str, str], bytes]:
    """Return method, target, headers by lower-case name, and body. Raises MalformedError."""
    for seam in (b"\r\n\r\n", b"\n\n"):
        head, found, body = data.partition(seam)
        if found:
            break
    lines = head.decode("utf-8", "replace").splitlines()
    words = lines[0].split() if lines else []
    if len(words) < 2:
        raise MalformedError("the file holds no request: it begins with METHOD TARGET, headers, and a blank line")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return words[0].upper(), words[1], headers, body if found else b""
