"""What every field says of itself: a description, a PII class, and how the archive indexes it."""

from typing import Literal

from msgspec import Meta

PII = Literal[0, 1, 2]
"""0 none, 1 personal, 2 sensitive (domain.md B11)."""

Index = Literal["keyword", "text", "date", "long", "double", "boolean", "object", "words", "none"]
"""The Elasticsearch field type; `object` descends into the struct, `none` is stored but not searchable.

`words` is free text as written: stored like `none`, searched through its folded copy `search_text`; a mask keeps it and
blacks out the personal spans.
"""


def about(description: str, *, pii: PII = 0, index: Index = "keyword") -> Meta:
    """Describe a field: ``name: Annotated[str, about("Who wrote it", pii=1)]``."""
    return Meta(description=description, extra={"pii": pii, "index": index})
