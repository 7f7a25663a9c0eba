"""The lists of the open platform that are fetched: which method gives each, and what its items are."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from connectors.weibo.api import API
from connectors.weibo.settings import List


class Source(Struct, frozen=True):
    """One list; `kind` is how its items are named."""

    kind: str
    method: Callable[..., Any]


SOURCES: Mapping[List, Source] = MappingProxyType(
    {
        "mentions": Source("status", API.mentions),
        "comments_to_me": Source("comment", API.comments_to_me),
        "comments_mentions": Source("comment", API.comments_mentions),
        "direct_messages": Source("dm", API.direct_messages),
    }
)
