"""The profile of a sender: how its requests map to the fields of a channel. A profile is data, `webhooks/NAME.toml`.

    request body ──parse──▶ tree ──`messages`──▶ one tree a message ──`fields` (JMESPath)──▶ fields of the channel
                                                                     └─ every other value ──▶ `rest`

A city adds a profile, or replaces a shipped one, by a file of that name in its rules folder.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib import resources
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeAlias

import jmespath
import msgspec
from jmespath import functions
from jmespath.exceptions import JMESPathError
from msgspec import Meta, Struct, field

from normalizers.base import File
from normalizers.mapped_webhook import document
from normalizers.mapped_webhook.document import Encoding, Node
from normalizers.phone import values as calls
from normalizers.phone import zone_of
from normalizers.rules import Rules, not_utf8, part
from schemas.errors import MalformedError, MisconfiguredError

FOLDER = "webhooks"

JSON = "application/json"

CALL_FIELDS = frozenset(
    {"call_id", "revision", "direction", "disposition", "agent", "subject", "note", "transcript", "recording"}
    | {"caller", "callee", "caller_name", *calls.TIMES, *calls.SAID}
)
"""Names of docs/how-to/channels/phone.md."""

FIELDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "sms": frozenset({"identifier", "sender", "recipient", "text", "time"}),
        "phone": CALL_FIELDS,
        "web": frozenset({"identifier", "time", "kind", "title", "text", "place", "lat", "long", "name", "phone"})
        | {"email", "confidential", "hotline"},
    }
)
"""Fields that a profile of each channel may map: those of the channel's own request."""

REQUIRED: Mapping[str, frozenset[str]] = MappingProxyType(
    {"sms": frozenset({"sender", "text"}), "phone": frozenset({"call_id"}), "web": frozenset({"text"})}
)

_TIMES = {"time", *calls.TIMES}

_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,63}")

Algorithm: TypeAlias = Literal[
    "hmac-sha256", "hmac-sha1", "hmac-md5", "hmac-sm3", "sha256", "sha1", "md5", "sm3", "rsa-sha256"
]
"""A plain digest is a signature because its `signed` text holds the key."""


class Signature(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a sender signs a request.

    `given` and `timestamp` are places: `header:NAME`, `query:NAME` or `body:JMESPATH`. `signed` is the signed text;
    in braces: `body`, `method`, `path`, `key`, `sorted` (the body's own fields, `name=value` in the order of their
    names, with `&` between), or a place. `prefix` stands before the signature. Several signatures of one request are
    separated by spaces. `key` is the form of the account's keys.
    """

    algorithm: Algorithm
    given: str
    signed: str
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    leave_out: tuple[str, ...] = ()
    timestamp: str | None = None
    key: Literal["text", "base64"] = "text"


class Answer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answer that tells the sender not to repeat the request."""

    status: Annotated[int, Meta(ge=200, le=299)] = 200
    content_type: str = "text/plain; charset=utf-8"
    body: str = ""


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One profile as it is written. Every expression is JMESPath (jmespath.org) over the tree of one message.

    `messages` is the path (`a.b`, or "@" for the body itself) of a list of messages; in a message of such a list
    `request` is the tree of the whole body without that list. `values` translates the sender's codes, `time_format`
    is strptime's, `ignored` names fields that are not kept (signatures), `report` is true of a delivery report.
    """

    channel: Literal["sms", "phone", "web"]
    about: str
    fields: dict[str, str]
    source: str = ""
    method: Literal["POST", "GET"] = "POST"
    body: Encoding = "json"
    charset: str | None = None
    messages: str | None = None
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    time_format: str | None = None
    timezone: str = "Asia/Shanghai"
    ignored: tuple[str, ...] = ()
    report: str | None = None
    signature: Signature | None = None
    answer: Answer = Answer()


class Mapped(Struct, frozen=True, kw_only=True):
    """One message of a request: the channel's fields, and `rest`, every other value by its path.

    `value` are the bytes of this message alone, None if the request holds no other.
    """

    fields: dict[str, Node]
    rest: dict[str, str]
    is_report: bool = False
    value: bytes | None = None

    def text(self, name: str) -> str:
        """Return a field as text, "" if it is missing."""
        return flat(self.fields.get(name))


class CompiledProfile:
    """A profile whose expressions are compiled. Raises ValueError for one that cannot be used."""

    def __init__(self, name: str, profile: Profile) -> None:
        self.name = name
        self.profile = profile
        _verify(profile)
        self._fields = {key: _expression(text) for key, text in profile.fields.items()}
        self._report = _expression(profile.report) if profile.report else None
        self._zone = zone_of(profile.timezone)

    def read(self, body: bytes, content_type: str) -> list[Mapped]:
        """Return the messages of a request's body, in their order. Raises MalformedError.

        `content_type` is the record's: a message of several is JSON, whatever the request was.
        """
        encoding: Encoding = "json" if content_type.startswith(JSON) else self.profile.body
        tree = document.parse(body, encoding, content_type, self.profile.charset)
        found = list(_apart(tree, self.profile.messages, len(body)))
        if len(found) == 1:
            return [self._mapped(found[0], None)]
        # JSON whatever the body was: the next reader finds one message at the same path.
        return [self._mapped(one, msgspec.json.encode(one.tree)) for one in found]

    def files(self, body: bytes, content_type: str) -> tuple[File, ...]:
        """Return the uploads of a multipart form. Raises MalformedError."""
        return document.files(body, self.profile.body, content_type)

    def _mapped(self, one: "_One", value: bytes | None) -> Mapped:
        found = {name: _search(expression, one.message, name) for name, expression in self._fields.items()}
        is_report = self._report is not None and flat(_search(self._report, one.message, "report")) not in ("", "false")
        for name in REQUIRED[self.profile.channel]:
            if found.get(name) is None and not is_report:
                raise MalformedError(f"the request has no {name} by the profile {self.name}: correct its `fields`")
        fields = {name: self._translated(name, given) for name, given in found.items() if given not in (None, "", [])}
        used = {text for given in found.values() for _, text in document.leaves(given)}
        rest = [
            (path, text)
            for path, text in document.leaves(one.tree)
            if text not in used and _last(path) not in self.profile.ignored
        ]
        if len(rest) > document.MAX_LEAVES:
            raise MalformedError(f"the request has more than {document.MAX_LEAVES} values in one message")
        return Mapped(fields=fields, rest=dict(rest), is_report=is_report, value=value)

    def _translated(self, name: str, given: Node) -> Node:
        codes = self.profile.values.get(name)
        if codes is not None:
            return codes.get(flat(given), given)
        if name in _TIMES and self.profile.time_format:
            try:
                at = datetime.strptime(flat(given), self.profile.time_format)
            except ValueError:
                return given
            return (at if at.tzinfo else at.replace(tzinfo=self._zone)).isoformat()
        return given


class _One(Struct, frozen=True):
    """One message: what its expressions see, and the tree of a request that holds it alone."""

    message: Node
    tree: Node


def _apart(tree: Node, path: str | None, size: int) -> Iterator[_One]:
    """Yield the messages of a request. Raises MalformedError if there is none at the path."""
    if path is None:
        yield _One(tree, tree)
        return
    keys = [] if path == "@" else path.split(".")
    found = tree
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    if not isinstance(found, list):  # a list of one is a single element in XML and in forms
        found = [] if found is None else [found]
    if not found:
        raise MalformedError(f"the request has no messages at {path}: correct `messages` in its profile")
    around = _with(tree, keys, None)
    # Each message of a list repeats what stands around the list; a megabyte of it, a thousand times, fills the memory.
    if len(found) * len(msgspec.json.encode(around)) > 4 * size + 65_536:
        raise MalformedError("the request repeats too much around its messages")
    for one in found:
        message = {**one, "request": around} if isinstance(one, Mapping) and "request" not in one else one
        yield _One(message, _with(tree, keys, [one]))


def _with(tree: Node, keys: list[str], found: Node) -> Node:
    if not keys:
        return found
    return {name: _with(inner, keys[1:], found) if name == keys[0] else inner for name, inner in tree.items()}


def flat(value: Node) -> str:
    """Return a value as text: a list as its lines, an object as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "\n".join(value)
    return "" if value is None else msgspec.json.encode(value).decode()


def _last(path: str) -> str:
    return path.rpartition(".")[2].partition("[")[0]


class _Functions(functions.Functions):
    """JMESPath's functions, and `parse_json` for a text that holds JSON; null for any other text."""

    @functions.signature({"types": ["string", "null"]})
    def _func_parse_json(self, text: str | None) -> Node:
        try:
            return document.parse((text or "").encode("utf-8", "surrogatepass"), "json")
        except MalformedError:
            return None


_OPTIONS = jmespath.Options(custom_functions=_Functions())


def _search(expression: Any, message: Node, name: str) -> Node:
    try:
        return expression.search(message, options=_OPTIONS)
    except (JMESPathError, RecursionError) as error:
        raise MalformedError(f"the profile's expression for {name} does not fit this request") from error


def _expression(text: str) -> Any:
    try:
        return jmespath.compile(text)
    except (JMESPathError, RecursionError) as error:
        raise ValueError(f"{text} is no JMESPath expression") from error


def _verify(profile: Profile) -> None:
    allowed, required = FIELDS[profile.channel], REQUIRED[profile.channel]
    if unknown := sorted(profile.fields.keys() - allowed):
        raise ValueError(f"the channel {profile.channel} has no field {', '.join(unknown)}")
    if missing := sorted(required - profile.fields.keys()):
        raise ValueError(f"`fields` lacks {', '.join(missing)}")
    if unknown := sorted(profile.values.keys() - profile.fields.keys()):
        raise ValueError(f"`values` translates {', '.join(unknown)}, which `fields` does not map")
    if profile.charset is not None:
        b"".decode(profile.charset)  # a LookupError for an unknown one
    signature = profile.signature
    if signature and "{key}" not in signature.signed and signature.algorithm in ("sha256", "sha1", "md5", "sm3"):
        raise ValueError("a digest without {key} in `signed` is no signature: anybody can compute it")


@part(FOLDER)
def profiles(rules: Rules) -> Mapping[str, CompiledProfile]:
    """Return the profiles of a city by name: the shipped ones, replaced and completed by its own files.

    Raises MisconfiguredError with the file that cannot be used.
    """
    folders = [resources.files("normalizers.rules").joinpath(FOLDER)]
    if rules.folder is not None and (rules.folder / FOLDER).is_dir():
        folders.append(rules.folder / FOLDER)
    found: dict[str, CompiledProfile] = {}
    for folder in folders:
        for file in sorted(folder.iterdir(), key=lambda one: one.name):
            name, _, suffix = file.name.rpartition(".")
            if suffix != "toml":
                continue
            if not _NAME.fullmatch(name):
                raise MisconfiguredError(f"{file} is no name of a profile: use small letters, digits and _.")
            try:
                written = tomllib.loads(file.read_text("utf-8-sig"))
                found[name] = CompiledProfile(name, msgspec.convert(written, Profile))
            except UnicodeDecodeError as error:
                raise not_utf8(file) from error
            except (OSError, ValueError, LookupError, RecursionError) as error:
                raise MisconfiguredError(f"The profile {file} cannot be used: {error}.") from error
    return MappingProxyType(found)
