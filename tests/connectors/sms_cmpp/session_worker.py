"""One account as a process: KAFKA FOLDER PORT [POINT NUMBER]; it kills itself the NUMBERth time it reaches POINT."""

import asyncio
import signal
import sys
from functools import partial
from pathlib import Path

from obstore.store import LocalStore

from broker.config import KafkaConnection
from broker.lease import UNSHARED
from connectors.publish.publisher import Publisher
from connectors.replies.account import AccountAnswers
from connectors.replies.account_queue import Tools
from connectors.replies.delivery_reports import follow_reports
from connectors.replies.settings import AnswerSettings
from connectors.runtime.health import Health
from connectors.runtime.session import run_session
from connectors.sms_cmpp.connector import Cmpp
from connectors.sms_cmpp.settings import CmppSettings
from hotline.runtime.components_connectors import answering_over
from schemas import ids, topics
from tests.connectors.outbox.answers import CITY, reply
from tests.dying import reached
from tests.peers.ismg import SECRET, SOURCE

ACCOUNT = "mobile"


async def main(bootstrap: str, folder: str, port: str, point: str = "", number: str = "0") -> None:
    connection = KafkaConnection(bootstrap_servers=bootstrap, partitions=2)
    settings = CmppSettings.model_validate(
        {"host": "127.0.0.1", "port": int(port), "source": SOURCE, "secret": SECRET, "number": "12345"}
        | {"jurisdiction": CITY, "active_test_seconds": 5}
    )
    publisher, connector = Publisher(connection, LocalStore(Path(folder), mkdir=True)), Cmpp(settings, ACCOUNT)
    sender = connector.sender()
    tools = Tools(AnswerSettings(per_minute=6000), sender, reply, 8, is_open=lambda: sender.is_open)
    answers = AccountAnswers(
        ACCOUNT,
        ids.partition_of(CITY, connection.partitions),
        connection,
        lambda: tools,
        lambda: True,
        reports=partial(follow_reports, connection, topics.raw("sms"), ACCOUNT, sender.report_of),
        reached=reached(point, int(number)),
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    serve = partial(run_session, connector, publisher, health=Health(ACCOUNT, "sms"), lease=UNSHARED)
    await answering_over(serve, answers, stop)
    publisher.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
