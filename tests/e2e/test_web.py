"""The web door in front of the whole pipeline, used by clients that others wrote: from a request to its progress."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from civicbot.http import HttpError, HttpTransport, RateLimiter
from civicbot.open311 import Open311Client
from civicbot.registry import Endpoint

from broker.config import KafkaConnection
from hotline.dev.demo import pipeline as demo
from hotline.dev.demo import web
from hotline.dev.stack.stack import Endpoints, Stack
from tests.connectors.web.browser import Page, parts
from tests.e2e.pipeline import Pipeline, until
from tests.peers import pip
from tests.peers.dovecot import free_ports
from tests.peers.presence import missing, require

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

CITIZEN = "13812345678"

ASK = """
import json, sys, georeport
url, form = sys.argv[1:]
made = georeport.GeoReport(url, output_format=form)
print(json.dumps([made.get_service_list(), made.get_service_requests()]))
"""


@pytest.fixture
def door(
    local_stack: Stack, stack: Endpoints, fresh_topics: KafkaConnection, fresh_indices: None, tmp_path: Path
) -> Iterator[tuple[Pipeline, str]]:
    """The stages with a web door that tells masked words; its address."""
    port = free_ports(1, start=19400)
    settings = demo.environment(local_stack.data_dir, port) | web.account()
    own = {"HOTLINE_BLOBS__URL": (tmp_path / "blobs").as_uri(), "HOTLINE_KAFKA__PARTITIONS": "2"}
    pipeline = Pipeline({**settings, **own, f"{web.PREFIX}TOLD": "masked"}, tmp_path, port)
    pipeline.start(*demo.STAGES)
    url = f"http://127.0.0.1:{port}{web.PATH}"
    until(lambda: is_there(url), "the receiver answers")
    yield pipeline, url
    pipeline.stop()


def is_there(url: str) -> bool:
    try:
        return httpx.get(url, timeout=60).status_code == 200
    except httpx.TransportError:
        return False


def test_apps_and_citizens_send_and_see_how_it_goes(door: tuple[Pipeline, str], tmp_path: Path) -> None:
    pipeline, url = door
    client = Open311Client(
        Endpoint(id="t", name="t", base_url=f"{url}/open311/v2", write=True),
        HttpTransport(rate_limiter=RateLimiter(min_interval=0)),
    )
    request = file_by_civicbot(client)
    photo = file_by_curl(url, tmp_path, client)
    receipt = fill_in_the_form(url)

    until(lambda: is_filed(client, request), "the request is filed")
    until(lambda: is_filed(client, photo), "the request with a photo is filed")
    found = client.get_request(request)
    assert found
    assert (found["status"], found["service_code"]) == ("open", "construction.public_works")
    assert found["service_name"] == "城乡建设 / 市政设施与市容"
    assert "路灯不亮💡" in found["description"]
    assert CITIZEN not in json.dumps(found)
    for form in ("json", "xml"):
        read_by_georeport(url, form, {request, photo})

    until(lambda: "查询码" in visit(receipt).facts, "the receipt shows the query code")
    facts = visit(receipt).facts
    until(
        lambda: len(pipeline.ask("search", facts["工单编号"])) == 1, "a hit for the number, which is another document"
    )
    (ticket,) = pipeline.ask("search", facts["工单编号"])
    assert pipeline.told("command", "set_status", ticket["ticket_id"], "status=registered")
    until(lambda: "受理登记" in progress(url, facts).text, "the status page tells the new stage")
    assert [line.split()[-1] for line in progress(url, facts).texts(".//h:ol/h:li")] == ["接收", "受理登记"]
    log = pipeline.log()
    personal = (CITIZEN, "王小明", "路灯不亮", "暖气不热", web.API_KEY, facts["查询码"], receipt.rsplit("/", 1)[1][:43])
    assert [value for value in personal if value in log] == []


def file_by_civicbot(client: Open311Client) -> str:
    """File a request with an attribute, checked against the live service definition; a stranger's is refused."""
    fields: dict[str, Any] = {
        "lat": 41.8057,
        "lng": 123.4315,
        "address_string": "中山路88号",
        "description": f"路灯不亮💡，请打{CITIZEN}",
        "attributes": {"pole_number": "ZS-088", "request_kind": "help_request"},
        "phone": CITIZEN,
        "first_name": "小明",
        "last_name": "王",
    }

    def send(key: str, **changes: Any) -> Any:
        prepared = client.create_request(
            "construction.public_works",
            dry_run=False,
            confirm="SEND",
            api_key=key,
            validate_remote=True,
            **fields | changes,
        )
        return prepared.response

    with pytest.raises(HttpError, match="403"):
        send("a key of nobody's")
    with pytest.raises(HttpError, match="400"):
        send(web.API_KEY, media_url="file:///etc/passwd")
    (answer,) = send(web.API_KEY)
    return name_of(answer, client)


def name_of(answer: dict[str, Any], client: Open311Client) -> str:
    """Return the service_request_id: at once, or for the token that a slow Kafka leaves us with (GeoReport v2)."""
    if "token" not in answer:
        return str(answer["service_request_id"])
    until(lambda: client.get_token(answer["token"])[0]["service_request_id"], "the token's request is filed")
    return str(client.get_token(answer["token"])[0]["service_request_id"])


def file_by_curl(url: str, folder: Path, client: Open311Client) -> str:
    require(missing("curl"))
    (folder / "坑.jpg").write_bytes(b"\xff\xd8" + bytes(800_000))  # more than Kafka takes in one record
    fields = {
        "api_key": web.API_KEY,
        "service_code": "other",
        "address_string": "北三路",
        "description": "路面塌陷，见照片",
        "media": f"@{folder / '坑.jpg'}",
    }
    options = [word for name, value in fields.items() for word in ("-F", f"{name}={value}")]
    command = ["curl", "-sS", *options, f"{url}/open311/v2/requests.json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    (answer,) = json.loads(done.stdout)
    return name_of(answer, client)


def fill_in_the_form(url: str) -> str:
    """Send the form as a browser does and return the receipt's address."""
    with httpx.Client(timeout=60) as client:
        page = Page(client.get(url))
        answer = client.post(url, files=parts(page.filled(text="家里暖气不热，只有14度", place="青年大街19号")))
    assert answer.status_code == 303
    return url.rsplit("/", 1)[0] + answer.headers["location"].partition("?")[0]


def is_filed(client: Open311Client, name: str) -> bool:
    try:
        return client.get_request(name) is not None
    except HttpError as error:
        if error.status not in (404, 503):
            raise
        return False


def read_by_georeport(url: str, form: str, wanted: set[str]) -> None:
    python = pip.scripts("georeport") / "python"
    command = [python, "-c", ASK, f"{url}/open311/v2", form]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    services, requests = json.loads(done.stdout)
    assert len(services) > 30
    assert wanted <= {one["service_request_id"] for one in requests}


def visit(url: str) -> Page:
    return Page(httpx.get(url, timeout=60))


def progress(url: str, facts: dict[str, str]) -> Page:
    fields = {"number": facts["工单编号"], "code": facts["查询码"], "lang": "zh"}
    return Page(httpx.post(f"{url}/status", data=fields, timeout=60))
