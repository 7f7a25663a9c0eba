"""Wires answers: the outbox, accounts that answer over their session, their senders, and the words of receipts."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from hotline.config import clients
from hotline.runtime import health
from hotline.runtime.process import Component
from schemas import ids, topics
from schemas.tracing import Tracer

if TYPE_CHECKING:
    from connectors.base import SessionConnector
    from connectors.replies.account import AccountAnswers
    from connectors.replies.account_queue import Tools
    from connectors.replies.base import Sender
    from hotline.config.settings import Settings


def outbox(settings: "Settings", name: str, _: str, __: Tracer) -> Component:
    """Make the component."""
    from connectors.replies.service import Outbox

    known = dict(senders(settings))
    tools = _tools(settings)
    daemon = Outbox(
        clients.kafka(settings), lambda account: tools(account, known.get(account)), elsewhere=elsewhere(settings)
    )

    async def run(stop: asyncio.Event) -> None:
        try:
            await daemon.run(stop)
        finally:
            for sender in known.values():
                await sender.close()

    def probe() -> Mapping[str, Any]:
        return health.answers(daemon.troubles()) if daemon.begun else health.STARTING

    return Component(name=name, run=run, probe=probe)


def over_session(
    settings: "Settings", account: str, connector: "SessionConnector", is_ours: Callable[[], bool]
) -> "AccountAnswers | None":
    """Return the sender over an account's session; None for an account without replies.

    `is_ours` returns whether this process may hold the session.
    """
    from connectors.replies.account import AccountAnswers
    from connectors.replies.base import Answering
    from connectors.replies.delivery_reports import follow_reports

    partition = elsewhere(settings).get(account)
    if partition is None or not isinstance(connector, Answering):
        return None
    sender, connection = connector.sender(), clients.kafka(settings)
    reports = partial(follow_reports, connection, topics.raw(connector.channel), account, sender.report_of)

    def make_tools() -> "Tools":
        return _tools(settings)(account, sender)._replace(is_open=lambda: sender.is_open)

    return AccountAnswers(account, partition, connection, make_tools, is_ours, reports=reports)


def elsewhere(settings: "Settings") -> dict[str, int]:
    """Return the accounts that answer over their session, each with the partition of its city in the outbox."""
    from connectors.base import city_of
    from connectors.reply_registry import over_session as accounts

    return {
        name: ids.partition_of(city_of(account.jurisdiction, name), settings.kafka.partitions)
        for name, account in accounts(settings.answers, settings.connectors.sections)
    }


def senders(settings: "Settings") -> Iterator[tuple[str, "Sender"]]:
    """Yield the sender of each account that answers through the outbox, by its id; nothing connects yet."""
    from connectors.reply_registry import SENDERS

    for section, accounts in settings.connectors.sections.items():
        for account, chosen in accounts.items():
            if account in settings.answers and (make := SENDERS[section].make) is not None:
                yield account, make(chosen, settings.answers[account], account)


def _tools(settings: "Settings") -> "Callable[[str, Sender | None], Tools]":
    """Return the factory of an account's tools and sender."""
    from connectors.replies.account_queue import Tools
    from connectors.replies.render import reply_of
    from connectors.reply_registry import at_once
    from tickets.receipts.render import wording

    policy, query_key, words = (
        clients.policy(settings),
        clients.query_key(settings),
        wording(clients.rules_of(settings)),
    )
    write = partial(reply_of, wording=words, policy=policy, query_key=query_key)
    side_by_side = at_once(settings.answers, settings.connectors.sections)

    def tools_of(account: str, sender: "Sender | None") -> "Tools":
        return Tools(settings.answers.get(account), sender, write, side_by_side.get(account, 1), words.version)

    return tools_of
