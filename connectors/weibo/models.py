"""Objects of the platform: fields as attributes, all fields in `_json`, and the original bytes in `_raw`."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

import msgspec

from normalizers.parse import json as mended
from normalizers.weibo.json import Fields, text_of
from normalizers.weibo.times import moment
from schemas.codec import UNREADABLE

_END = datetime(2999, 1, 1, tzinfo=UTC)
"""Without a clock: every time that the platform sends is accepted."""

_NO_MODELS: Mapping[str, type["Model"]] = MappingProxyType({})


class Model:
    """Base of all objects; missing fields raise AttributeError."""

    nested: ClassVar[Mapping[str, type["Model"]]] = _NO_MODELS
    """Classes of fields that are objects."""

    def __init__(self, json: Mapping[str, Any], raw: bytes = b"") -> None:
        self._json = dict(json)
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        try:
            value = self.__dict__["_json"][name]
        except KeyError:
            raise AttributeError(f"this {type(self).__name__} has no {name}") from None
        kind = self.nested.get(name)
        return kind(value) if kind is not None and isinstance(value, dict) else value

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, Model) and other._json == self._json

    def __hash__(self) -> int:
        return hash((type(self), self.id))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(id={self.id})"

    @property
    def id(self) -> int | None:
        """Return the id with all its digits; None if it is missing or unreliable."""
        found = Fields(self._json).identifier()
        return int(found) if found else None

    @property
    def created_at(self) -> datetime | None:
        """Return the time of writing in UTC; None if it is unreadable."""
        return moment(text_of(self._json.get("created_at")), _END)


class User(Model):
    """用户: a user's profile."""


class Status(Model):
    """微博: a status."""


class Comment(Model):
    """评论: a comment, its status, and the comment that it answers."""


class DirectMessage(Model):
    """私信: a direct message."""


User.nested = MappingProxyType({"status": Status})
Status.nested = MappingProxyType({"user": User, "retweeted_status": Status})
Comment.nested = MappingProxyType({"user": User, "status": Status, "reply_comment": Comment})
DirectMessage.nested = MappingProxyType({"sender": User, "recipient": User})

AnyModel = TypeVar("AnyModel", bound=Model)


class ResultSet(list[AnyModel]):
    """One page, newest first; `total` is the length of the list, or None if the platform does not report it."""

    def __init__(self, items: Iterable[AnyModel] = (), total: int | None = None) -> None:
        super().__init__(items)
        self.total = total

    def ids(self) -> list[int]:
        """Return the reliable ids."""
        return [found for item in self if (found := item.id) is not None]

    @property
    def since_id(self) -> int | None:
        """Return the newest id: later items are above it."""
        return max(self.ids(), default=None)

    @property
    def max_id(self) -> int | None:
        """Return one less than the oldest id: earlier items are at or below it."""
        oldest = min(self.ids(), default=None)
        return oldest - 1 if oldest is not None else None


def parse(kind: type[AnyModel], raws: Iterable[msgspec.Raw], total: int | None) -> ResultSet[AnyModel]:
    """Return the objects of JSON values; an unreadable one has only its bytes, and does not hide others."""
    pairs = (_read(bytes(raw)) for raw in raws)
    return ResultSet((kind(json, raw) for json, raw in pairs if isinstance(json, dict)), total)


def _read(raw: bytes) -> tuple[Any, bytes]:
    try:
        return mended.read(raw, object)
    except UNREADABLE:
        return {}, raw
