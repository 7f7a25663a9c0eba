"""Composes the media fetcher: accounts of WeChat with a secret, their APIs, and the pulls of 微信客服."""

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from hotline.config import clients
from hotline.runtime import health as probes
from hotline.runtime.process import Component, blocking
from schemas import topics
from schemas.tracing import Tracer

if TYPE_CHECKING:
    from broker.sync_producer import Producer
    from connectors.wechat.api import Api
    from connectors.wechat.kf_pull import CustomerMessages
    from connectors.wechat.media_jobs import Account, WeChatErrands
    from hotline.config.settings import Settings


TOPICS = (topics.raw("wechat"),)


def fetcher(settings: "Settings", name: str, _: str, tracer: Tracer) -> Component:
    """Make the component."""
    from broker.sync_producer import Producer
    from connectors.media_fetch.consumer import run_fetcher
    from connectors.media_fetch.scheduler import Fetcher
    from connectors.publish.publisher import Publisher
    from connectors.runtime.health import Health

    connection, blobs = clients.stopped_kafka(settings), clients.blobs(settings)
    health, journal = Health(name, "wechat"), clients.journal_folder(settings)

    def work(stop: threading.Event) -> None:
        producer = Producer(connection)
        publisher = Publisher(connection, blobs, producer, tracer)
        errands = plan(settings, producer, stop)
        fetcher = Fetcher(errands, publisher.publish, settings.fetcher, sweep=errands.sweep, journal=journal)
        try:
            run_fetcher(fetcher, connection, TOPICS, stop=stop, health=health)
        finally:
            publisher.close()

    return Component(name=name, run=blocking(work), probe=lambda: probes.connector(health.report))


def plan(settings: "Settings", producer: "Producer", stop: threading.Event) -> "WeChatErrands":
    """Return the errands of all accounts; those of 企业微信 without a secret can only complain."""
    from connectors.wechat.media_jobs import WeChatErrands

    able, mute = dict(accounts(settings, producer, stop)), settings.connectors.wecom.keys()
    return WeChatErrands(able, clients.blobs(settings), stopped=stop.is_set, mute=mute)


def apis(settings: "Settings") -> Iterator[tuple[str, str, "Api"]]:
    """Yield the API of each account that has a secret, with the section and the id of the account."""
    from connectors.wechat.api import Access, Api

    for name, official in settings.connectors.wechat.items():
        if official.secret is not None:
            yield "wechat", name, Api(Access("official", official.appid, official.secret, official.api_url))
    for name, corporate in settings.connectors.wecom.items():
        if corporate.secret is not None:
            yield "wecom", name, Api(Access("corporate", corporate.corpid, corporate.secret, corporate.api_url))


def accounts(settings: "Settings", producer: "Producer", stop: threading.Event) -> Iterator[tuple[str, "Account"]]:
    """Yield the fetcher's accounts with their ids; cursors go through `producer`."""
    from connectors.wechat.media_jobs import Account

    for section, name, api in apis(settings):
        if section == "wechat":
            yield name, Account(api)
        else:
            kfids = settings.connectors.wecom[name].open_kfids
            yield name, Account(api, _customers(settings, name, api, producer, stop), kfids)


def _customers(
    settings: "Settings", name: str, api: "Api", producer: "Producer", stop: threading.Event
) -> Callable[[str], "CustomerMessages"]:
    from connectors.runtime.cursor_store import Cursors
    from connectors.wechat.kf_pull import CustomerMessages

    city = settings.connectors.wecom[name].jurisdiction

    def make(kfid: str) -> CustomerMessages:
        cursors = Cursors(clients.stopped_kafka(settings), f"{name}:{kfid}", producer=producer)
        return CustomerMessages(api, kfid, name, city, cursors, stopped=stop.is_set)

    return make
