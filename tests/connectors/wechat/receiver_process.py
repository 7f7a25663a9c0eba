"""A receiver as a process of its own, to be killed: `receiver_process.py BROKERS PORT FOLDER ACCOUNT`."""

import asyncio
import sys
from functools import partial
from pathlib import Path

from obstore.store import MemoryStore

from broker.config import KafkaConnection
from connectors.http.server import Receiver, ReceiverSettings
from connectors.publish.disk_buffer import Journal
from connectors.publish.durable_publisher import opened
from connectors.publish.publisher import Publisher
from connectors.wechat.connector import WeChat
from connectors.wechat.settings import WeChatSettings
from tests.connectors.serving import serve
from tests.connectors.wechat.callbacks import AES_KEY, APPID, TOKEN

if __name__ == "__main__":
    brokers, port, folder, account = sys.argv[1:]
    settings = ReceiverSettings(port=int(port), requests_max=1000)
    wechat = WeChat(WeChatSettings(appid=APPID, tokens=[TOKEN], aes_keys=[AES_KEY], jurisdiction="430100"), account)
    publisher = Publisher(KafkaConnection(bootstrap_servers=brokers), MemoryStore())
    kept = asyncio.run(opened(publisher, partial(Journal, Path(folder)), settings.publish_timeout_seconds))
    serve(Receiver({"/wechat": wechat}, kept, settings), settings)
    publisher.close()
    print("drained", flush=True)
