"""The cipher against the published vectors, and whatever its library raises."""

import pytest
from pydantic import SecretStr
from wechatpy import exceptions as theirs

from connectors.http.signature import sign_callback
from connectors.wechat import cipher
from connectors.wechat.settings import aes_key
from schemas.errors import RefusedRequest
from tests.connectors.wechat import vectors
from tests.rows import each_row

KEY = aes_key(SecretStr(vectors.WECOM_AES_KEY))
ALL = [error for error in vars(theirs).values() if isinstance(error, type) and issubclass(error, Exception)]


def test_tencents_wecom_vector() -> None:
    signed = sign_callback(vectors.WECOM_TOKEN, vectors.WECOM_TIMESTAMP, vectors.WECOM_NONCE, vectors.WECOM_ENCRYPT)
    assert signed == vectors.WECOM_MSG_SIGNATURE
    message = cipher.decrypt(vectors.WECOM_ENCRYPT, [KEY], vectors.WECOM_CORP).message
    assert b"<Content><![CDATA[hello]]></Content>" in message


def test_tencents_wecom_echo_vector() -> None:
    assert cipher.decrypt(vectors.WECOM_ECHOSTR, [KEY], vectors.WECOM_CORP).message == b"1616140317555161061"


@each_row("error", [*ALL, ValueError, OSError, MemoryError], ids=lambda error: error.__name__)
def test_whatever_the_library_raises_is_a_refusal(error: type[Exception]) -> None:
    class Broken:
        def __init__(self, key: bytes) -> None:
            raise error.__new__(error)

    with pytest.raises(RefusedRequest):
        cipher.decrypt(vectors.WECOM_ECHOSTR, [KEY], vectors.WECOM_CORP, open_cipher=Broken)
