"""Wires the outbox: the accounts that answer, their senders, and the words of receipts."""

import asyncio
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from hotline import probes, services
from hotline.process import Component
from schemas.trace import Tracer

if TYPE_CHECKING:
    from connectors.reply import Sender
    from hotline.settings import Settings


def outbox(settings: "Settings", name: str, _: str, __: Tracer) -> Component:
    """Make the component."""
    from connectors.outbox.daemon import Outbox
    from connectors.outbox.lane import Tools
    from connectors.outbox.replies import reply_of
    from connectors.outbox.senders import at_once
    from tickets.receipts import wording

    policy, query_key, words = services.policy(settings), services.query_key(settings), wording(settings.rules.folder)
    write = partial(reply_of, wording=words, policy=policy, query_key=query_key)
    known = dict(senders(settings))
    connection = services.kafka(settings)
    side_by_side = at_once(settings.answers, settings.connectors.sections)

    def tools_of(account: str) -> Tools:
        return Tools(
            settings.answers.get(account), known.get(account), write, side_by_side.get(account, 1), words.version
        )

    daemon = Outbox(connection, tools_of)

    async def run(stop: asyncio.Event) -> None:
        try:
            await daemon.run(stop)
        finally:
            for sender in known.values():
                await sender.close()

    def probe() -> Mapping[str, Any]:
        return probes.answers(daemon.troubles()) if daemon.begun else probes.STARTING

    return Component(name=name, run=run, probe=probe)


def senders(settings: "Settings") -> Iterator[tuple[str, "Sender"]]:
    """Yield the sender of each account that answers, by its id; nothing connects yet."""
    from connectors.outbox.senders import SENDERS

    for section, accounts in settings.connectors.sections.items():
        for account, chosen in accounts.items():
            if account in settings.answers:
                yield account, SENDERS[section].make(chosen, settings.answers[account], account)
