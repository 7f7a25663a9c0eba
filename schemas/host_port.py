"""Host and port as one text: an IPv6 address stands in brackets, as in a URL (RFC 3986, 3.2.2)."""


def join_host_port(host: str, port: int) -> str:
    """Return ``host:port``, or ``[host]:port`` for an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def split_host_port(text: str) -> tuple[str, int]:
    """Return host and port, an IPv6 address without its brackets. Raises ValueError for another form."""
    host, _, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or (":" in bare) != (host == f"[{bare}]"):
        raise ValueError("must be HOST:PORT, or [IPV6]:PORT")
    return bare, int(port)
