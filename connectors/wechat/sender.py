"""WeChatSender: replies of one account through the platform's API: customer-service messages (客服消息), 微信客服."""

import asyncio
import hashlib

from connectors.answers import Reply, Sent
from connectors.wechat import reply as platform
from connectors.wechat.api import Access, Api

CUSTOMER_SERVICE = "wecom_kf"


class WeChatSender:
    """Sends replies of one account; the platform takes them within 48 hours of the citizen's last message."""

    def __init__(self, access: Access, api: Api | None = None) -> None:
        self._kind = access.kind
        self._api = api or Api(access)

    async def send(self, reply: Reply) -> Sent:
        """Send one text. Raises a RetriableError or UnauthorizedError while the platform surely has not got it."""
        if reply.recipient.kind != "openid":
            return Sent(outcome="refused", code="no_openid")
        if self._kind == "corporate" and (reply.channel_kind != CUSTOMER_SERVICE or not reply.written_to):
            return Sent(outcome="refused", code="not_customer_service")
        done = await asyncio.to_thread(self._sent, reply)
        code = done.reason or ("ok" if done.outcome == "accepted" else str(done.code))
        return Sent(outcome=done.outcome, code=code)

    async def close(self) -> None:
        """Let go of the connections."""
        await asyncio.to_thread(self._api.close)

    def _sent(self, reply: Reply) -> platform.Sent:
        openid = reply.recipient.value
        if self._kind == "official":
            return platform.send(self._api, openid, reply.text)
        message_id = hashlib.sha256(reply.reply_id.encode()).hexdigest()[:32]  # a second one would be refused
        return platform.send_customer(self._api, reply.written_to or "", openid, reply.text, message_id)
