"""Connections that only the right server can read: one context for every protocol, and where none is needed."""

import ssl
from pathlib import Path

from schemas.errors import MisconfiguredError


def verifying(cafile: Path | None) -> ssl.SSLContext:
    """Return a context that verifies the server; raises MisconfiguredError when `ssl_cafile` cannot be read."""
    try:
        return ssl.create_default_context(cafile=cafile)
    except OSError as error:
        raise MisconfiguredError(f"ssl_cafile {cafile} holds no certificates: correct it") from error


def is_this_machine(host: str) -> bool:
    """Say whether what goes to a host leaves no cable: a login may go in clear."""
    return host in ("127.0.0.1", "::1", "localhost")
