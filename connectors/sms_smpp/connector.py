"""SMPP 3.4: short messages of one account, acknowledged to the SMSC only after Kafka holds them."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from connectors import faults, metrics
from connectors.base import Emit, city_of, utc_now
from connectors.runtime.window import Window
from connectors.sms_common.frames import Frame
from connectors.sms_common.link import Link, opened
from connectors.sms_smpp import codec
from connectors.sms_smpp.codec import Role, SmppCodec
from connectors.sms_smpp.message_id import Arrival, Arrivals, Steps, identifier
from connectors.sms_smpp.sender import SmppSender
from connectors.sms_smpp.settings import Bind, SmppSettings
from schemas.errors import MalformedError, RetriableError
from schemas.records import RawMessage, raw_message

CHANNEL_KIND = "sms_smpp"
_ANSWERS = {codec.DELIVER_SM: "deliver_sm_resp", codec.DATA_SM: "data_sm_resp"}
_NOTICES = (codec.ALERT_NOTIFICATION, codec.OUTBIND)
"""Commands without an answer."""

_ROLES: Mapping[Bind, Role] = {"transceiver": "bind_transceiver", "receiver": "bind_receiver"}
_REFUSALS = {"throttled": codec.THROTTLED, "temporary": codec.TEMPORARY, "silent": None}


class SmsSmpp:
    """Publishes messages from all binds of one account; the parts of a long message separately."""

    channel: ClassVar[str] = "sms"

    def __init__(self, settings: SmppSettings, account_id: str, now: Callable[[], datetime] = utc_now) -> None:
        self._settings = settings
        self._account = account_id
        self._jurisdiction = city_of(settings.jurisdiction, account_id)
        self._now = now
        self._arrivals, self._steps = Arrivals(), Steps()
        self._links: list[Link[SmppCodec]] = []
        self._answers = False
        self._content_type = f"application/x-smpp; alphabet={settings.alphabet}" + "; packed=true" * settings.packed

    def sender(self) -> SmppSender:
        """Return the sender of replies over the binds; beside receivers a transmitter is opened."""
        self._answers = True
        return SmppSender(self._settings, self._line)

    def _line(self) -> Link[SmppCodec] | None:
        """Return the least recently used bind that can send."""
        for link in [one for one in self._links if one.is_open][:1]:
            self._links.remove(link)
            self._links.append(link)
            return link
        return None

    async def run(self, emit: Emit) -> None:
        """Serve all binds until one of them ends; raises errors of `schemas.errors`.

        Returns if the SMSC unbinds. Messages on their way to Kafka are answered before a connection ends.
        """
        self._steps.begin()
        roles = [_ROLES[self._settings.bind]] * self._settings.binds
        if self._answers and self._settings.bind == "receiver":
            roles.append("bind_transmitter")
        await _until_one_ends([self._serve(emit, role) for role in roles])

    async def _serve(self, emit: Emit, role: Role) -> None:
        chosen = self._settings
        account = SmppCodec(chosen, role)
        link = await opened(account, chosen.host, chosen.port, chosen.patience, emit.alive, chosen.tls_context())
        window = Window(chosen.window, link.give_up)
        if role != "bind_receiver":
            self._links.append(link)
        try:
            await self._read(link, window, emit)
        except RetriableError as error:
            raise window.fault or error from error
        finally:
            if link in self._links:
                self._links.remove(link)
            try:
                await window.settle(chosen.answer_timeout_seconds)
            finally:  # also after the runner's time limit: another daemon may take over the account
                await link.close()

    async def _read(self, link: Link[SmppCodec], window: Window, emit: Emit) -> None:
        """Process PDUs until the SMSC unbinds."""
        async for pdu in link.requests():
            if pdu.command in _ANSWERS:
                await window.take(partial(self._take, link, pdu, emit))
            elif pdu.command not in _NOTICES:
                metrics.SMPP_MESSAGES.labels(self._account, "unknown").inc()
                await link.write(codec.bare(codec.GENERIC_NACK, pdu.sequence, codec.UNKNOWN_COMMAND))

    async def _take(self, link: Link[SmppCodec], pdu: Frame, emit: Emit) -> None:
        """Publish one message, then answer it; without Kafka it is not acknowledged."""
        body, now = pdu.body, self._now()
        status: int | None = codec.OK
        try:
            first = self._arrivals.first(body, now) or Arrival(now, await self._steps.at(now, emit))
            self._arrivals.unanswered(body, first)
            await emit(self._message(pdu, first, now))
        except RetriableError:
            status = _REFUSALS[self._settings.when_unsafe]
        metrics.SMPP_MESSAGES.labels(self._account, "accepted" if status == codec.OK else "refused").inc()
        if status is None:
            return
        await link.write(codec.build(_ANSWERS[pdu.command], pdu.sequence, status))
        if status == codec.OK:
            self._arrivals.answered(body)

    def _message(self, pdu: Frame, first: Arrival, now: datetime) -> RawMessage:
        sender = faults.or_plainly(self.channel, self._account, lambda: _sender(pdu), lambda: None)
        return raw_message(
            channel=self.channel,
            channel_kind=CHANNEL_KIND,
            account=self._account,
            jurisdiction=self._jurisdiction,
            identifier=identifier(pdu.body, first.named, self._settings.naming_key),
            value=pdu.raw,
            content_type=self._content_type,
            time=first.at,
            recorded=now,
            sender=sender,
        )


def _sender(pdu: Frame) -> str | None:
    """Return the sender's number unchanged; None for an unreadable PDU, which is published all the same."""
    try:
        address: bytes = codec.read(pdu).source_addr or b""
    except MalformedError:
        return None
    return address.decode("ascii", "backslashreplace") or None


async def _until_one_ends(runs: list[Coroutine[Any, Any, None]]) -> None:
    """Run all; after one ends, end the others in order, and raise the error of the first."""
    tasks = [asyncio.create_task(run) for run in runs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
