"""The web (网站, 移动端): the city's form for citizens and Open311 GeoReport v2 for apps, one door of the receiver."""

from typing import TYPE_CHECKING

from connectors.lazy import lazily
from connectors.web.settings import ClientSettings, WebSettings

if TYPE_CHECKING:
    from connectors.web.desk import Tools
    from connectors.web.door import WebDoor
else:
    __getattr__ = lazily(__name__, Tools="desk", WebDoor="door")

__all__ = ["ClientSettings", "Tools", "WebDoor", "WebSettings"]
