"""The platform's objects: fields as attributes, the whole of it in `_json`, and its bytes as they came in `_raw`."""

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
"""No clock: every time that the platform writes is taken for true."""

_NO_MODELS: Mapping[str, type["Model"]] = MappingProxyType({})


class Model:
    """Any object; fields that it lacks raise AttributeError."""

    nested: ClassVar[Mapping[str, type["Model"]]] = _NO_MODELS
    """Fields that are objects of their own."""

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
        """Return the id with all its digits; None when there is none to be trusted."""
        found = Fields(self._json).identifier()
        return int(found) if found else None

    @property
    def created_at(self) -> datetime | None:
        """Return when it was written, in UTC; None when that cannot be read."""
        return moment(text_of(self._json.get("created_at")), _END)


class User(Model):
    """用户: somebody's profile."""


class Status(Model):
    """微博: a status."""


class Comment(Model):
    """评论: a comment, the status it stands under, and the comment it answers."""


class DirectMessage(Model):
    """私信: a direct message."""


User.nested = MappingProxyType({"status": Status})
Status.nested = MappingProxyType({"user": User, "retweeted_status": Status})
Comment.nested = MappingProxyType({"user": User, "status": Status, "reply_comment": Comment})
DirectMessage.nested = MappingProxyType({"sender": User, "recipient": User})

AnyModel = TypeVar("AnyModel", bound=Model)


class ResultSet(list[AnyModel]):
    """One page, newest first; `total` is how many there are in all, None where the platform does not say."""

    def __init__(self, items: Iterable[AnyModel] = (), total: int | None = None) -> None:
        super().__init__(items)
        self.total = total

    def ids(self) -> list[int]:
        """Return the ids that can be trusted."""
        return [found for item in self if (found := item.id) is not None]

    @property
    def since_id(self) -> int | None:
        """Return the newest id: what comes after this page is above it."""
        return max(self.ids(), default=None)

    @property
    def max_id(self) -> int | None:
        """Return one less than the oldest id: what comes before this page is at or below it."""
        oldest = min(self.ids(), default=None)
        return oldest - 1 if oldest is not None else None


def parse(kind: type[AnyModel], raws: Iterable[msgspec.Raw], total: int | None) -> ResultSet[AnyModel]:
    """Return the objects among some JSON values; one that cannot be read has its bytes alone, and hides no other."""
    pairs = (_read(bytes(raw)) for raw in raws)
    return ResultSet((kind(json, raw) for json, raw in pairs if isinstance(json, dict)), total)


def _read(raw: bytes) -> tuple[Any, bytes]:
    try:
        return mended.read(raw, object)
    except UNREADABLE:
        return {}, raw
