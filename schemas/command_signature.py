"""The signature of a command in Kafka: HMAC-SHA256 over the key's id and the record's value, in headers.

The value holds the id, the city, the kind and the body of the command, so a signed command cannot become another one.
A confirmed request travels in the headers of its confirmation, with its own signature.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence

from msgspec import Struct

from schemas.envelope import Headers

KEY, SIGNATURE = "hotline.command.key", "hotline.command.signature"
REQUEST, REQUEST_KEY = "hotline.command.request", "hotline.command.request.key"
REQUEST_SIGNATURE = "hotline.command.request.signature"
HEADERS = (KEY, SIGNATURE, REQUEST, REQUEST_KEY, REQUEST_SIGNATURE)
"""What `normalize` passes on unchanged beside the value."""

_DOMAIN = b"hotline-command-v1\n"
"""So that the secret of one use signs nothing of another."""

_NO_SECRET = b"compared with all the same, so that the time of an answer tells nothing of a key"


class Signer(Struct, frozen=True):
    """The key that this process signs commands with."""

    key_id: str
    secret: bytes

    def headers(self, value: bytes) -> Headers:
        """Return the two headers that prove the sender of a command's value."""
        return [(KEY, self.key_id.encode()), (SIGNATURE, sign(self.secret, self.key_id, value))]


def sign(secret: bytes, key_id: str, value: bytes) -> bytes:
    """Return the hexadecimal signature of a command's value."""
    return hmac.digest(secret, _DOMAIN + key_id.encode() + b"\n" + value, hashlib.sha256).hex().encode()


def verified(secrets: Mapping[str, bytes], key_id: bytes, value: bytes, signature: bytes) -> str | None:
    """Return the id of the key that signed the value, None if no key of ours did; compared in constant time."""
    name = key_id.decode(errors="replace")
    secret = secrets.get(name)
    same = hmac.compare_digest(sign(secret or _NO_SECRET, name, value), signature)
    return name if same and secret is not None else None


def carried(headers: Sequence[tuple[str, bytes]]) -> Headers:
    """Return the headers of a command that belong to its signatures."""
    return [(name, value) for name, value in headers if name in HEADERS]


def digest_of(value: bytes) -> str:
    """Return the SHA-256 by which a confirmation names the very request that a person saw."""
    return hashlib.sha256(value).hexdigest()
