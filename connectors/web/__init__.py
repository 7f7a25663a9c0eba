"""Web (网站, 移动端): the city's form for citizens and Open311 GeoReport v2 for apps, hosted by the receiver."""
