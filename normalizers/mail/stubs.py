"""Whether an alternative only says that the other one should be read."""

import re

_STUB = re.compile(
    r"html.{0,40}(?:client|viewer|capable|compatible|enabled|reader|邮件|格式|客户端|浏览)|(?:not"
    r"|does ?n.t) support html"
    r"|multi-?part message in mime|view (?:this|the) (?:e-?mail|message).{0,30}(?:browser|html)"
    r"|不支持.{0,10}html|使用.{0,20}html",
    re.IGNORECASE | re.DOTALL,
)


def is_stub(texts: list[str]) -> bool:
    """Say whether these words stand for a text that is elsewhere."""
    text = "".join(texts).strip()
    if len(text) >= 400:
        return False
    low = text.lower()
    return ("html" in low or "mime" in low or "browser" in low) and _STUB.search(low) is not None
