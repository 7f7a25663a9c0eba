"""From a citizen's mail or WeChat message to a search hit, on real servers and peers, and through their failures."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from broker.config import KafkaConnection
from hotline.dev.demo import mailbox, wechat
from hotline.dev.demo import pipeline as demo
from hotline.dev.stack.stack import Endpoints, Stack
from tests.e2e.pipeline import Pipeline, reading, until
from tests.peers import dovecot, npm
from tests.peers.dovecot import Dovecot, free_ports
from tests.peers.greenmail import GreenMail
from tests.peers.presence import require

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

Server = Dovecot | GreenMail


def mail(number: int, text: str) -> bytes:
    message = EmailMessage()
    message["From"] = f"市民{number} <citizen{number}@mail.example>"
    message["To"] = "szxx@12345.example"
    message["Subject"] = f"第{number}封信"
    message["Message-ID"] = f"<{number}@mail.example>"
    message.set_content(text, charset="utf-8")
    return bytes(message)


@pytest.fixture(params=["dovecot", "greenmail"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param == "dovecot":
        require(dovecot.missing())
    with ExitStack() as stack:
        yield stack.enter_context(Dovecot() if request.param == "dovecot" else GreenMail())


@pytest.fixture
def start(
    local_stack: Stack, stack: Endpoints, fresh_topics: KafkaConnection, fresh_indices: None, tmp_path: Path
) -> Iterator[Callable[[Server], tuple[Pipeline, int]]]:
    """Return what starts the pipeline on a mail server: the pipeline and the receiver's port."""
    running: list[Pipeline] = []

    def run(server: Server) -> tuple[Pipeline, int]:
        port = free_ports(1, start=19400)
        settings = demo.environment(local_stack.data_dir, port) | mailbox.account(server.port) | wechat.account()
        own = {"HOTLINE_BLOBS__URL": (tmp_path / "blobs").as_uri(), "HOTLINE_KAFKA__PARTITIONS": "2"}
        running.append(Pipeline(settings | own, tmp_path, port))
        running[-1].start_all()
        return running[-1], port

    yield run
    for one in running:
        one.stop()


def test_a_mail_becomes_a_search_hit_and_can_be_explained(
    server: Server, start: Callable[[Server], tuple[Pipeline, int]], fresh_topics: KafkaConnection
) -> None:
    pipeline, _ = start(server)
    server.deliver(mail(1, "中山路12号门口的路灯坏了，我叫李小龙，电话13812345678"))
    server.deliver(mail(2, "中山路128号的井盖丢了"))
    with reading(fresh_topics) as totals:
        until(lambda: totals().tickets == 2 and totals().balanced, "two tickets")
    until(lambda: len(pipeline.ask("search", "中山路12号")) == 1, "one hit for 中山路12号")
    (hit,) = pipeline.ask("search", "中山路12号")
    until(lambda: bool(pipeline.ask("search", "井盖")), "a hit for the other one")
    assert not pipeline.ask("search", "13812345678")
    assert "李小龙" not in json.dumps(hit, ensure_ascii=False)
    until(
        lambda: bool(pipeline.ask("search", "13812345678", "--clear", "--reason", "x")),
        "a hit in clear, which is another document",
    )

    def explained() -> str:
        return json.dumps(pipeline.ask("explain", hit["ticket_no"]), ensure_ascii=False)

    until(lambda: "hotline.raw.mailbox.v1" in explained(), "the message, which is another document, too")
    assert hit["ticket_id"] in explained()
    log = pipeline.log()
    assert not any(secret in log for secret in ("李小龙", "13812345678", "中山路", "citizen1@mail.example"))


def callback(number: int, text: str) -> str:
    return (
        f"<xml><ToUserName>gh_1</ToUserName><FromUserName>o{number}</FromUserName><CreateTime>{int(time.time())}"
        f"</CreateTime><MsgType>text</MsgType><Content><![CDATA[{text}]]></Content><MsgId>{number}</MsgId></xml>"
    )


def push(port: int, xml: str, mode: str, lib: str) -> dict[str, Any]:
    job = {
        "url": f"http://127.0.0.1:{port}/wechat",
        "token": wechat.TOKEN,
        "aesKey": wechat.AES_KEY,
        "appid": wechat.APPID,
        "mode": mode,
        "lib": lib,
        "xml": xml,
    }
    done = subprocess.run(
        ["node", str(Path(npm.__file__).with_name("wechat_player.js"))],
        input=json.dumps(job) + "\n",
        env={"NODE_PATH": str(npm.modules()), "PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_wechat_messages_of_foreign_ciphers_become_search_hits_and_hand_overs(
    start: Callable[[Server], tuple[Pipeline, int]], fresh_topics: KafkaConnection
) -> None:
    npm.modules()
    with GreenMail() as quiet:
        pipeline, port = start(quiet)
        pushes = [
            ("compatible", "wechat-crypto", "万达广场门口的盲道被占了"),
            ("safe", "@wecom/crypto", "解放路88号着火了，快来人"),
            ("safe", "wechat-crypto", "地铁二号线的电梯停了"),
        ]
        for number, (mode, lib, text) in enumerate(pushes, 1):
            assert push(port, callback(number, text), mode, lib)["tries"][-1]["status"] == 200
        with reading(fresh_topics) as totals:
            until(lambda: totals().tickets == 3 and totals().handovers == 1, "three tickets and a hand-over")
        until(lambda: len(pipeline.ask("search", "万达")) == 1, "a hit for 万达")


@pytest.mark.faults
def test_restarted_servers_and_killed_workers_lose_and_double_nothing(
    local_stack: Stack, start: Callable[[Server], tuple[Pipeline, int]], fresh_topics: KafkaConnection
) -> None:
    with GreenMail() as server:
        pipeline, _ = start(server)
        numbers = iter(range(1, 1000))

        def letters(count: int) -> None:
            for number in (next(numbers) for _ in range(count)):
                server.deliver(mail(number, f"第{number}件事，各不相同"))

        letters(10)
        local_stack.kill("kafka")
        letters(10)
        local_stack.wait_ready()
        letters(10)
        local_stack.kill("elasticsearch")
        letters(10)
        pipeline.kill("screen")  # the process that holds every component
        letters(10)
        pipeline.start_all()
        local_stack.wait_ready()
        letters(10)
        with reading(fresh_topics) as totals:
            until(lambda: totals().tickets == 60 and totals().balanced, "sixty tickets")
            assert totals().published == {"mailbox": 60}
            assert totals().linked == totals().no_ticket == totals().dead == 0
        until(lambda: len(pipeline.ask("search", "各不相同", "--limit", "100")) == 60, "sixty hits")
