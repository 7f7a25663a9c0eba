"""The web (网站, 移动端): the city's form for citizens and Open311 GeoReport v2 for apps, one door of the receiver."""

from connectors.web.desk import Tools
from connectors.web.door import WebDoor
from connectors.web.settings import ClientSettings, WebSettings

__all__ = ["ClientSettings", "Tools", "WebDoor", "WebSettings"]
