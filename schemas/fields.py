"""What every field says of itself: English and 中文, a PII class, how the archive indexes it, its words."""

from types import MappingProxyType
from typing import Any, Literal

from msgspec import Meta

from schemas.words import Words

PII = Literal[0, 1, 2]
"""0 none, 1 personal, 2 sensitive."""

Index = Literal["keyword", "text", "date", "long", "double", "boolean", "object", "words", "none"]
"""The Elasticsearch field type; `object` descends into the struct, `none` is stored but not searchable.

`words` is free text as written: stored like `none`, searched through its folded copy `search_text`; a mask keeps it and
blacks out the personal spans.
"""

_NONE: Words = MappingProxyType({})

X_PII, X_INDEX, X_WORDS = "x-pii", "x-index", "x-words"
"""Where a JSON Schema has what the standard has no keyword for; `title` is the Chinese term."""


def about(description: str, chinese: str, *, pii: PII = 0, index: Index = "keyword", words: Words = _NONE) -> Meta:
    """Describe a field: ``name: Annotated[str, about("Who wrote it", "诉求人", pii=1)]``.

    `words` are the values known today of an open enumeration, with their 中文: later versions may add some, so readers
    take any other as `unknown` (`schemas/words.py`).
    """
    extra: dict[str, Any] = {"pii": pii, "index": index, "words": words}
    shown: dict[str, Any] = {X_PII: pii, X_INDEX: index}
    if words:
        shown[X_WORDS] = list(words)
    return Meta(title=chinese, description=description, extra=extra, extra_json_schema=shown)
