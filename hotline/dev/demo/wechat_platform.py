"""Plays the WeChat platform (微信公众平台) with WeRoBot's cipher: nothing of it is shared with our receiver."""

import secrets
import time
from typing import Literal
from urllib.parse import urlencode

import urllib3
from werobot.crypto import MessageCrypt
from werobot.utils import get_signature

Mode = Literal["plain", "compatible", "safe"]

ANSWER_SECONDS = 5.0
TRIES = 3
NO_ANSWER = 0


class WeChatPlatform:
    """The platform's side of one official account."""

    def __init__(self, url: str, token: str, aes_key: str, appid: str) -> None:
        self._url = url
        self._token = token
        self._crypt = MessageCrypt(token, aes_key, appid)
        self._http = urllib3.PoolManager(retries=False, timeout=ANSWER_SECONDS)

    def push(self, xml: str, mode: Mode = "safe") -> int:
        """Deliver a callback and return the HTTP status, 0 when nobody answered.

        Without a success within 5 seconds the same message comes again, twice at most.
        """
        query, body = self.request(xml, mode)
        status = NO_ANSWER
        for _ in range(TRIES):
            status = self._try(query, body)
            if status == 200:
                break
        return status

    def verify(self) -> bool:
        """Say whether the address proves to be the account's, as when it is saved on the account's page."""
        echo = secrets.token_hex(8)
        answer = self._http.request("GET", f"{self._url}?{urlencode({**self._signed(), 'echostr': echo})}")
        return answer.status == 200 and answer.data.decode() == echo

    def request(self, xml: str, mode: Mode = "safe") -> tuple[dict[str, str], bytes]:
        """Return the query and the body that bring a callback."""
        query = self._signed()
        if mode == "plain":
            return query, xml.encode()
        encrypted = self._crypt.prp_crypto.encrypt(xml, self._crypt.app_id).decode()
        query["encrypt_type"] = "aes"
        query["msg_signature"] = get_signature(self._token, query["timestamp"], query["nonce"], encrypted)
        return query, _outer(xml, encrypted, mode).encode()

    def _try(self, query: dict[str, str], body: bytes) -> int:
        headers = {"Content-Type": "text/xml", "User-Agent": "Mozilla/4.0"}
        try:
            answer = self._http.request("POST", f"{self._url}?{urlencode(query)}", body=body, headers=headers)
        except urllib3.exceptions.HTTPError:
            return NO_ANSWER
        return int(answer.status)

    def _signed(self) -> dict[str, str]:
        timestamp, nonce = str(int(time.time())), str(secrets.randbelow(10**10))
        return {
            "signature": get_signature(self._token, timestamp, nonce),
            "timestamp": timestamp,
            "nonce": nonce,
        }


def _outer(xml: str, encrypted: str, mode: Mode) -> str:
    """Return the cipher alone, or behind the readable message."""
    readable = xml.rpartition("</xml>")[0] if mode == "compatible" else "<xml><ToUserName><![CDATA[gh]]></ToUserName>"
    return f"{readable}<Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
