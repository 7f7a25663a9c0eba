"""A session's runner as a process of its own, to be killed: `daemon_process.py BROKERS PORT ACCOUNT`."""

import asyncio
import sys

from obstore.store import MemoryStore
from tenacity import wait_none

from broker.config import KafkaConnection
from connectors.publish.publisher import Publisher
from connectors.runtime.health import Health
from connectors.runtime.session import run_session
from connectors.sms_smpp.connector import SmsSmpp
from tests.connectors.sms_smpp.fixtures import Clock, settings

if __name__ == "__main__":
    brokers, port, account = sys.argv[1:]
    publisher = Publisher(KafkaConnection(bootstrap_servers=brokers), MemoryStore())
    connector = SmsSmpp(settings(int(port)), account, Clock())  # two lives of it lie in one ten-minute step
    asyncio.run(
        run_session(connector, publisher, stop=asyncio.Event(), health=Health(account, "sms"), pace=wait_none())
    )
