"""Access tokens that the Dovecot peer believes: HS256, checked there by the key and the time of expiry."""

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path

KEY = b"hotline-secret-hotline-secret-1234"


def token(user: str = "hotline", lifetime: int = 60) -> str:
    """Return a token for `user`; a negative lifetime gives an expired one."""
    now = int(time.time())
    claims = {"email": user, "sub": user, "iat": now - 600, "exp": now + lifetime, "jti": str(time.time_ns())}
    head, body = (_encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    signature = _encoded(hmac.new(KEY, f"{head}.{body}".encode(), hashlib.sha256).digest())
    return f"{head}.{body}.{signature}"


def write_key(folder: Path) -> None:
    """Put the key where `oauth2.conf` looks for it."""
    keys = folder / "keys" / "default" / "HS256"
    keys.mkdir(parents=True)
    (keys / "default").write_bytes(base64.b64encode(KEY))
    (folder / "oauth2.conf").write_text(
        f"introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix={folder}/keys/\n"
        "username_attribute = email\n"
    )


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
