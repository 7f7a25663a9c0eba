"""The commands' client of Elasticsearch: its errors are those of the library, and no login leaves its header."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest

from schemas.errors import MisconfiguredError, UnreachableError
from sinks.elastic.rest_client import RestClient, basic
from sinks.elastic.status_errors import error_of

pytestmark = pytest.mark.enable_socket

ELASTIC = {"x-elastic-product": "Elasticsearch", "retry-after": "7"}
REFUSAL = {"error": {"type": "index_not_found_exception", "reason": "沈阳市民13800000000"}}


class Reply(NamedTuple):
    status: int = 200
    body: bytes = b'{"hits": {}}'
    headers: dict[str, str] = ELASTIC


class Node:
    """A node on a free port, which answers each request by `reply` and keeps what was asked."""

    def __init__(self) -> None:
        self.reply, self.asked = Reply(), list[tuple[str, dict[str, Any], dict[str, str]]]()
        node = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                node.asked.append((self.path, body, {name.lower(): value for name, value in self.headers.items()}))
                self.send_response(node.reply.status)
                for name, value in node.reply.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(node.reply.body)))
                self.end_headers()
                self.wfile.write(node.reply.body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def nodes() -> Iterator[tuple[Node, Node]]:
    both = Node(), Node()
    yield both
    for one in both:
        one.server.shutdown()
        one.server.server_close()


async def search(*hosts: str, **told: Any) -> dict[str, Any]:
    with RestClient(hosts, **told) as client:
        return await client.search(
            index="hotline-ticket,a*",
            source={"includes": ["title"]},
            size=3,
            search_after=None,
            ignore_unavailable=True,
        )


async def test_a_search_is_asked_as_the_library_asks_it(nodes: tuple[Node, Node]) -> None:
    node, _ = nodes
    assert await search(node.url, login="ApiKey abc") == {"hits": {}}
    ((path, body, headers),) = node.asked
    assert path == "/hotline-ticket,a*/_search?ignore_unavailable=true"
    assert body == {"size": 3, "_source": {"includes": ["title"]}}
    assert headers["authorization"] == "ApiKey abc"
    assert headers["content-type"] == "application/vnd.elasticsearch+json; compatible-with=9"


async def test_a_login_of_an_address_stands_in_the_header_alone(nodes: tuple[Node, Node]) -> None:
    node, _ = nodes
    await search(node.url.replace("//", "//desk:%E5%8F%A3%40@") + "/es/", login="ApiKey abc")
    ((path, _, headers),) = node.asked
    assert path.startswith("/es/hotline-ticket")
    assert headers["authorization"] == basic("desk", "口@") == "Basic ZGVzazrlj6NA"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 413, 429, 500])
async def test_each_status_is_the_error_that_the_library_leads_to(nodes: tuple[Node, Node], status: int) -> None:
    node, _ = nodes
    node.reply = Reply(status, json.dumps(REFUSAL).encode())
    told = error_of(status, "index_not_found_exception", "7")
    with pytest.raises(type(told)) as found:
        await search(node.url)
    assert str(found.value) == str(told)
    assert vars(found.value) == vars(told)


async def test_another_node_answers_for_one_that_cannot(nodes: tuple[Node, Node]) -> None:
    ill, well = nodes
    ill.reply = Reply(503, b"<html>no node</html>")
    assert await search("http://127.0.0.1:1", ill.url, well.url) == {"hits": {}}
    well.reply = Reply(502, b"")
    with pytest.raises(UnreachableError, match="answers 502"):
        await search(ill.url, well.url, "http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("reply", "error"),
    [(Reply(headers={}), MisconfiguredError), (Reply(body=b"<html>"), UnreachableError)],
    ids=["another product", "no JSON"],
)
async def test_what_is_no_elasticsearch_is_told_so(
    nodes: tuple[Node, Node], reply: Reply, error: type[Exception]
) -> None:
    node, _ = nodes
    node.reply = reply
    with pytest.raises(error, match="Elasticsearch"):
        await search(node.url)


@pytest.mark.parametrize("host", ["localhost:9200", "http://localhost", "ftp://localhost:21", "http://:9200"])
def test_an_address_without_scheme_host_and_port_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="'scheme', 'host', and 'port'"):
        RestClient([host])
