"""The demo's WeChat account: sample callbacks, encrypted and signed by another hand than ours."""

import time
from collections.abc import Iterator, Mapping

from hotline.dev.demo.samples import callbacks
from hotline.dev.demo.stage import Player, Stage
from hotline.dev.demo.wechat_platform import WeChatPlatform
from schemas.errors import UnreachableError

PREFIX = "HOTLINE_CONNECTORS__WECHAT__DEMO_WECHAT__"
TOKEN, APPID = "hotlinedemotoken", "wx12345demo67890"
AES_KEY = "hotlineDemoEncodingAESKeyForLoopbackOnly123"
PATH = "/wechat"


class WeChatPlayer(Player):
    """Calls the receiver as the platform does."""

    def __init__(self, stage: Stage) -> None:
        self._platform = WeChatPlatform(f"{stage.receiver_url}{PATH}", TOKEN, AES_KEY, APPID)

    def environment(self) -> Mapping[str, str]:
        """Return the settings of the account."""
        return account()

    def messages(self) -> Iterator[str]:
        """Push one callback after the other; some come more than once."""
        for callback in callbacks(int(time.time())):
            for _ in range(callback.times):
                status = self._platform.push(callback.xml, callback.mode)
                if status != 200:
                    raise UnreachableError(f"the receiver answered {status} to a signed message")
                yield f"💬 微信公众号  {callback.note}"


def account() -> dict[str, str]:
    """Return the settings of the demo's account."""
    return {
        f"{PREFIX}APPID": APPID,
        f"{PREFIX}TOKENS": f'["{TOKEN}"]',
        f"{PREFIX}AES_KEYS": f'["{AES_KEY}"]',
        f"{PREFIX}MODES": '["safe", "compatible"]',
        f"{PREFIX}PATH": PATH,
    }
