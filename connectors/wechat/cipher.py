"""The platform's AES envelope: 16 random bytes, length, message, AppID, padding; returns the message's exact bytes."""

import base64
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from wechatpy.crypto import PrpCrypto
from wechatpy.crypto.base import WeChatCipher

from schemas.errors import RefusedRequest

_RANDOM_BYTES = 16
_LENGTH_BYTES = 4
_BLOCK_BYTES = 32


class Opened(NamedTuple):
    """A message and the key that decrypted it; the reply is encrypted with the same key."""

    message: bytes
    key: bytes


def decrypt(
    encrypted: str, keys: Sequence[bytes], appid: str, open_cipher: Callable[[bytes], Any] = WeChatCipher
) -> Opened:
    """Return the message, decrypted with one of the keys; raises RefusedRequest.

    Uses wechatpy's cipher, but not its `decrypt`, which checks no padding and loses a message that is not UTF-8.
    """
    for key in keys:
        try:
            return Opened(
                _opened(open_cipher(key).decrypt(base64.b64decode(encrypted, validate=True)), appid.encode()), key
            )
        except Exception:  # noqa: BLE001, S112 - the library raises any error; the next key may fit
            continue
    raise RefusedRequest(
        "cannot be decrypted: check that EncodingAESKey and AppID match the platform's", reason="cipher"
    )


def encrypt(text: str, key: bytes, appid: str) -> str:
    """Return the encrypted reply in base64."""
    closed: bytes = PrpCrypto(key).encrypt(text, appid)
    return closed.decode()


def _opened(plain: bytes, appid: bytes) -> bytes:
    padding = plain[-1]
    if not 1 <= padding <= _BLOCK_BYTES or plain[-padding:] != bytes([padding]) * padding:
        raise ValueError("wrong padding")
    start = _RANDOM_BYTES + _LENGTH_BYTES
    end = start + int.from_bytes(plain[_RANDOM_BYTES:start], "big")
    if plain[end:-padding] != appid or end > len(plain) - padding:
        raise ValueError("another AppID")
    return plain[start:end]
