"""Receipts by WeChat: one customer-service message of the account to which the citizen wrote."""

import asyncio
import hashlib

from connectors.replies.base import AT_ONCE_MOST, Reply, Sent
from connectors.wechat.api import Access, Api
from connectors.wechat.reply import send, send_customer, send_member
from connectors.wechat.settings import WeChatSettings, WeComSettings
from schemas.errors import MisconfiguredError
from storage.thread_pool import Threads

CUSTOMER_KIND = "wecom_kf"


class WeChatSender:
    """Sends the receipts of one official account or mini programme."""

    def __init__(self, settings: WeChatSettings, account: str) -> None:
        if settings.secret is None:
            raise MisconfiguredError(f"The WeChat account {account} has no `secret` and cannot send.")
        self._api = Api(Access("official", settings.appid, settings.secret, settings.api_url))
        self._thread = Threads(f"wechat-{account}", AT_ONCE_MOST)

    async def send(self, reply: Reply) -> Sent:
        """Send one text. Raises a RetriableError or FatalError only if the platform certainly does not have it."""
        return await self._thread.do(send, self._api, reply.recipient.value, reply.text)

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.to_thread(self._api.close)


class WeComSender:
    """Sends the receipts of one application of 企业微信, or of its 微信客服."""

    def __init__(self, settings: WeComSettings, account: str) -> None:
        if settings.secret is None:
            raise MisconfiguredError(f"The WeCom account {account} has no `secret` and cannot send.")
        self._api = Api(Access("corporate", settings.corpid, settings.secret, settings.api_url))
        self._agent_id = settings.agent_id
        self._thread = Threads(f"wecom-{account}", AT_ONCE_MOST)

    async def send(self, reply: Reply) -> Sent:
        """Send one text by the channel of the citizen's message. Raises as WeChat's sender does."""
        return await self._thread.do(self._send, reply)

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.to_thread(self._api.close)

    def _send(self, reply: Reply) -> Sent:
        if reply.channel_kind == CUSTOMER_KIND:
            kfid, named = reply.written_to, hashlib.sha256(reply.reply_id.encode()).hexdigest()[:32]
            if not kfid:
                return Sent(outcome="refused", code="no_open_kfid")
            return send_customer(self._api, kfid, reply.recipient.value, reply.text, named)
        if self._agent_id is None:  # as a fault of the account it would also delay 微信客服, which needs no agent_id
            return Sent(outcome="refused", code="no_agent_id")
        return send_member(self._api, self._agent_id, reply.recipient.value, reply.text)
