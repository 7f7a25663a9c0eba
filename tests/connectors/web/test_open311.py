"""GeoReport v2 request by request: what is taken, what each answer says, and what is never told."""

import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from defusedxml import ElementTree
from msgspec.structs import replace
from pydantic import SecretStr, ValidationError
from structlog.testing import capture_logs

from connectors import metrics
from connectors.web.service import EMERGENCY_NOTICE
from connectors.web.settings import ClientSettings, WebSettings
from connectors.web.submission import Submission
from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas import ids
from schemas.records.ticket import Acceptance, Location, Requester, Result, StatusStep
from tests.connectors.web.doors import API_KEY, BASE, CITY, NOW, Door, counted, request, ticket

Fields = dict[str, Any]


async def post(door: Door, fields: Fields, form: str = "json", **more: Any) -> httpx.Response:
    async with door.open() as client:
        return await client.post(f"{BASE}/requests.{form}", data=fields, **more)


def told(answer: httpx.Response) -> list[tuple[int, str]]:
    """Return the list of errors of either format."""
    if answer.headers["content-type"].startswith("application/json"):
        return [(one["code"], one["description"]) for one in answer.json()]
    root = ElementTree.fromstring(answer.content)
    assert root.tag == "errors"
    return [(int(one.findtext("code")), one.findtext("description")) for one in root.findall("error")]


async def test_a_request_is_safe_before_it_is_answered_with_the_id_that_its_ticket_will_have(door: Door) -> None:
    answer = await post(door, request(phone="13800138000", account_id="7"))
    (raw,) = door.kafka.held
    assert answer.status_code == 200
    assert answer.json() == [
        {"service_request_id": ids.ticket_id(CITY, raw.message_id), "service_notice": None, "account_id": "7"}
    ]
    assert (raw.channel, raw.envelope.channelkind, raw.jurisdiction, raw.envelope.time) == ("web", "app", CITY, NOW)
    message = normalize(raw, Policy()).message
    assert message.text == "路灯不亮\n地点：中山路88号"
    assert message.sender
    assert message.sender.value == "13800138000"


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "1"}])
async def test_whoever_reads_the_words_and_tries_all_telephones_does_not_find_the_id(
    door: Door, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is made of the id of the message, and everybody may ask for it."""
    made = []
    plain = Submission.identifier
    monkeypatch.setattr(Submission, "identifier", lambda *said: made.append(plain(*said)) or made[-1])
    await post(door, request(phone="13800138000"), headers=headers)
    await post(door, request(phone="13800138000"), headers=headers)
    (first, again), (other,) = door.kafka.held, {*made}
    assert first.envelope.id == again.envelope.id != other


async def test_while_kafka_is_slow_a_token_is_the_answer(door: Door) -> None:
    door.kafka.down = True
    async with door.open() as client:
        (answer,) = (await client.post(f"{BASE}/requests.json", data=request())).json()
        assert answer.keys() == {"token", "service_notice", "account_id"}
        (pending,) = (await client.get(f"{BASE}/tokens/{answer['token']}.json")).json()
        assert pending == {"service_request_id": None, "token": answer["token"]}
        made = door.archive.put(ticket(answer["token"].partition("-")[0]))
        (found,) = (await client.get(f"{BASE}/tokens/{answer['token']}.json")).json()
    assert found == {"service_request_id": made.ticket_id, "token": answer["token"]}


async def test_a_token_tells_no_more_of_a_confidential_request_than_of_one_that_waits(door: Door) -> None:
    door.kafka.down = True
    async with door.open() as client:
        answer = (await client.post(f"{BASE}/requests.json", data=request())).json()[0]
        door.archive.put(ticket(answer["token"].partition("-")[0], confidentiality="confidential"))
        (found,) = (await client.get(f"{BASE}/tokens/{answer['token']}.json")).json()
    assert found == {"service_request_id": None, "token": answer["token"]}


async def test_a_token_that_we_did_not_sign_is_nobodys(door: Door) -> None:
    door.archive.put(ticket())
    async with door.open() as client:
        for token in ("m" * 26, f"{'m' * 26}-{'a' * 16}", "x"):
            answer = await client.get(f"{BASE}/tokens/{token}.xml")
            assert (answer.status_code, told(answer)) == (404, [(404, "token was not found")])


async def test_with_neither_kafka_nor_the_journal_nothing_is_promised(door: Door) -> None:
    door.kafka.down = True
    async with door.open({"journal_max_bytes": 1}) as client:
        before = counted("unsafe")
        answer = await client.post(f"{BASE}/requests.xml", data=request())
    assert (answer.status_code, counted("unsafe")) == (503, before + 1)
    assert [code for code, _ in told(answer)] == [503]
    assert answer.headers["retry-after"]


WRONG: dict[str, tuple[Fields, int, list[int]]] = {
    "no service_code": (request(service_code=None), 400, [400]),
    "an unknown service_code": (request(service_code="LAMP"), 404, [404]),
    "no location": (request(address_string=None), 400, [400]),
    "half a point": (request(lat="41.8"), 400, [400]),
    "lat and long swapped": (request(lat="123.43", long="41.80"), 400, [400]),
    "lat and long swapped within the range": (request(lat="80.2", long="40.1"), 400, [400]),
    "NaN": (request(lat="NaN", long="nan"), 400, [400]),
    "infinity": (request(lat="1e999", long="-inf"), 400, [400]),
    "words": (request(lat="北纬41度", long="东经123度"), 400, [400]),
    "4,001 characters": (request(description="灯" * 4_001), 400, [400]),
    "a value that a list does not have": (request(**{"attribute[request_kind]": "rage"}), 400, [400]),
    "two values where there is one": (request(**{"attribute[request_kind][]": ["praise", "report"]}), 400, [400]),
    "media_url that is no address": (request(media_url="file:///etc/passwd"), 400, [400]),
    "a second media_url that is none": (request(media_url=["https://a.example/1.jpg", "file:///x"]), 400, [400]),
    "media_url without a host": (request(media_url="http:///x"), 400, [400]),
    "another city": (request(jurisdiction_id="110000"), 404, [404]),
    "all at once": (
        request(service_code=None, address_string=None, description="x" * 4_001, media_url="x"),
        400,
        [400, 400, 400, 400],
    ),
    "two codes at once": (request(service_code="LAMP", address_string=None), 400, [404, 400]),
}


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("case", WRONG)
async def test_everything_that_is_wrong_is_told_at_once(door: Door, case: str, form: str) -> None:
    fields, status, codes = WRONG[case]
    answer = await post(door, fields, form)
    assert (answer.status_code, [code for code, _ in told(answer)]) == (status, codes)
    assert all(description for _, description in told(answer))
    assert door.kafka.held == []


@pytest.mark.parametrize("key", [None, "", "wrong", API_KEY[:-1], API_KEY + " ", "钥匙"])
async def test_a_stranger_is_refused_and_learns_nothing_else(door: Door, key: str | None) -> None:
    answer = await post(door, request(api_key=key, service_code=None))
    assert (answer.status_code, told(answer)) == (403, [(403, "api_key missing or invalid")])
    assert door.kafka.held == []


async def test_the_old_and_the_new_key_work_side_by_side(door: Door) -> None:
    clients = {"myapp": ClientSettings(api_keys=(SecretStr(API_KEY), SecretStr("n" * 32)))}
    async with door.open(clients=clients) as client:
        for key in (API_KEY, "n" * 32):
            answer = await client.post(f"{BASE}/requests.json", data=request(api_key=key))
            assert answer.status_code == 200
    assert len({raw.message_id for raw in door.kafka.held}) == 1, "the key says nothing of the matter"


def test_two_clients_have_no_key_in_common() -> None:
    one = ClientSettings(api_keys=(SecretStr(API_KEY),))
    with pytest.raises(ValidationError):
        WebSettings(clients={"a": one, "b": one})


async def test_exactly_4000_characters_are_taken(door: Door) -> None:
    assert (await post(door, request(description="灯" * 4_000))).status_code == 200


async def test_lat_and_long_are_a_location(door: Door) -> None:
    assert (await post(door, request(address_string=None, lat="41.805699", long="123.431474"))).status_code == 200
    findings = normalize(door.kafka.held[0], Policy()).message.findings
    assert {finding.kind: finding.value for finding in findings}["coordinates"] == "123.431474,41.805699,wgs84"


@pytest.mark.parametrize(
    "attributes",
    [{"attribute[pole_number]": "ZS-088"}, {"attribute[pole_number][]": "ZS-088"}],
    ids=["attribute[code]", "attribute[code][]"],
)
@pytest.mark.parametrize("encoding", ["urlencoded", "multipart", "json"])
async def test_attributes_come_in_two_forms_and_three_encodings(door: Door, attributes: Fields, encoding: str) -> None:
    fields = request(**attributes)
    async with door.open() as client:
        send = {"urlencoded": {"data": fields}, "json": {"json": fields}}
        send["multipart"] = {"files": [(name, (None, str(value))) for name, value in fields.items()]}
        answer = await client.post(f"{BASE}/requests.json", **send[encoding])
    assert answer.status_code == 200
    assert "灯杆号：ZS-088" in normalize(door.kafka.held[0], Policy()).message.text


@pytest.mark.parametrize("encoding", ["urlencoded", "multipart", "json"])
async def test_the_key_is_in_no_record(door: Door, encoding: str) -> None:
    fields = request(description="路灯&api_key=不亮")
    async with door.open() as client:
        if encoding == "multipart":
            await client.post(f"{BASE}/requests.json", data=fields, files={"media": ("a.jpg", b"\xff\xd8")})
        else:
            await client.post(f"{BASE}/requests.json", **{"json" if encoding == "json" else "data": fields})
    (raw,) = door.kafka.held
    assert API_KEY.encode() not in raw.value
    assert raw.envelope.wiresha256 not in (None, raw.envelope.sha256)
    assert "路灯&api_key=不亮" in normalize(raw, Policy()).message.text


async def test_a_repeat_after_a_timeout_is_the_same_request_whatever_its_boundary(door: Door) -> None:
    async with door.open() as client:
        names = []
        for _ in range(2):  # httpx draws another boundary each time
            answer = await client.post(f"{BASE}/requests.json", data=request(), files={"m": ("a.jpg", b"\xff")})
            names.append(answer.json()[0]["service_request_id"])
        door.now += timedelta(minutes=10)
        later = await client.post(f"{BASE}/requests.json", data=request(), files={"m": ("a.jpg", b"\xff")})
    assert names[0] == names[1]
    assert later.json()[0]["service_request_id"] != names[0]


async def test_a_repeat_is_the_same_request_for_ten_minutes_whenever_they_began(door: Door) -> None:
    door.now = door.now.replace(minute=9, second=59)
    async with door.open() as client:

        async def send(after: timedelta, **changes: Any) -> str:
            door.now += after
            answer = await client.post(f"{BASE}/requests.json", data=request(**changes))
            return str(answer.json()[0]["service_request_id"])

        first = await send(timedelta(0))
        assert await send(timedelta(seconds=2), description="井盖丢失") != first
        assert [await send(timedelta(seconds=seconds)) for seconds in (298, 299)] == [first, first]
        assert await send(timedelta(seconds=1)) != first


async def test_an_idempotency_key_holds_for_ever_and_loses_no_other_words(door: Door) -> None:
    headers = {"Idempotency-Key": "1"}
    async with door.open() as client:

        async def send(**changes: Any) -> str:
            answer = await client.post(f"{BASE}/requests.json", data=request(**changes), headers=headers)
            return str(answer.json()[0]["service_request_id"])

        first = await send()
        door.now += timedelta(days=3)
        assert await send() == first
        assert await send(description="井盖丢失") != first


async def test_two_apps_have_idempotency_keys_of_their_own(door: Door) -> None:
    clients = {name: ClientSettings(api_keys=(SecretStr(name * 20),)) for name in ("a", "b")}
    async with door.open(clients=clients) as client:
        for name in clients:
            fields = request(api_key=name * 20)
            await client.post(f"{BASE}/requests.json", data=fields, headers={"Idempotency-Key": "1"})
    assert len({raw.message_id for raw in door.kafka.held}) == 2


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=other",
        "text/plain",
        "application/xml",
        "image/jpeg",
        "application/json",
        "",
        "\x00",
        "multipart/form-data; boundary=" + "b" * 5000,
    ],
)
async def test_a_body_that_is_not_what_it_says_is_a_list_of_errors(door: Door, content_type: str) -> None:
    async with door.open() as client:
        answer = await client.post(
            f"{BASE}/requests.xml",
            content=f"--b\r\nContent-Disposition: form-data; name=api_key\r\n\r\n{API_KEY}\r\n--b--\r\n".encode(),
            headers={"Content-Type": content_type},
        )
    assert (answer.status_code, [code for code, _ in told(answer)]) == (400, [400])
    assert API_KEY not in answer.text
    assert door.kafka.held == []


async def test_a_body_whose_kind_would_be_guessed_is_refused_with_the_key_in_it(door: Door) -> None:
    async with door.open() as client:
        answer = await client.post(
            f"{BASE}/requests.json",
            content=json.dumps(request(api_key=API_KEY)),
            headers={"Content-Type": "application/octet-stream"},
        )
    assert answer.status_code == 400
    assert door.kafka.held == []


@pytest.mark.parametrize("boundary", ["b*c", "b&c", "b;c", 'b\\"c', "b" * 201])
async def test_a_boundary_that_no_record_could_name_is_refused(door: Door, boundary: str) -> None:
    inner = boundary.replace("\\", "")
    body = "".join(
        f'--{inner}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in request(api_key=API_KEY).items()
    )
    async with door.open() as client:
        answer = await client.post(
            f"{BASE}/requests.json",
            content=f"{body}--{inner}--\r\n".encode(),
            headers={"Content-Type": f'multipart/form-data; boundary="{boundary}"'},
        )
    assert answer.status_code == 400
    assert door.kafka.held == []


async def test_a_compressed_body_is_not_opened(door: Door) -> None:
    async with door.open() as client:
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        answer = await client.post(f"{BASE}/requests.json", content=b"\x1f\x8b bomb", headers=headers)
    assert (answer.status_code, [code for code, _ in told(answer)]) == (415, [415])


async def test_no_address_is_ever_fetched_and_no_file_opened(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the door asks nobody")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    bomb = b"PK\x03\x04" + b"\x00" * 100_000
    fields = request(media_url="http://169.254.169.254/latest/meta-data/bomb.zip")
    async with door.open() as client:
        answer = await client.post(f"{BASE}/requests.json", data=fields, files={"media": ("bomb.zip", bomb)})
    assert answer.status_code == 200
    made = normalize(door.kafka.held[0], Policy())
    assert [blob.data for blob in made.blobs] == [bomb]
    assert [file.size for file in made.message.attachments] == [len(bomb)], "the address is text and no attachment"
    assert "http://169.254.169.254" in made.message.text


@pytest.mark.parametrize(
    ("files", "settings"),
    [
        ([("m", ("a.jpg", b"x"))] * 3, {"files_max": 2}),
        ([("m", ("a.jpg", b"x" * 11))], {"file_max_bytes": 10}),
        ([("m", ("a" * 300, b"x"))], {}),
    ],
    ids=["number", "size", "name"],
)
async def test_files_have_limits(door: Door, files: list[Any], settings: dict[str, Any]) -> None:
    async with door.open(**settings) as client:
        answer = await client.post(f"{BASE}/requests.json", data=request(), files=files)
    assert (answer.status_code, [code for code, _ in told(answer)]) == (400, [400])
    assert door.kafka.held == []


async def test_a_large_body_and_one_beyond_the_room_are_refused(door: Door) -> None:
    files = {"m": ("a.jpg", b"x" * 200_000)}
    async with door.open(body_max_bytes=100_000) as client:
        assert (await client.post(f"{BASE}/requests.json", data=request(), files=files)).status_code == 413
    async with door.open(held_max_bytes=100_000) as client:
        assert (await client.post(f"{BASE}/requests.json", data=request(), files=files)).status_code == 503
        assert (await client.post(f"{BASE}/requests.json", data=request())).status_code == 200, "words find room"


async def test_an_emergency_is_taken_whatever_is_wrong_and_told_to_dial(door: Door) -> None:
    answer = await post(door, request(service_code="?", address_string=None, description="三楼着火了，快来人"))
    assert (answer.status_code, answer.json()[0]["service_notice"]) == (200, EMERGENCY_NOTICE)
    assert normalize(door.kafka.held[0], Policy()).message.emergency


async def test_an_emergency_of_a_stranger_is_no_request(door: Door) -> None:
    assert (await post(door, request(api_key="x", description="三楼着火了，快来人"))).status_code == 403


async def test_half_an_emoji_refuses_nobody(door: Door) -> None:
    """A browser writes it as it is, where a field's end cut the emoji."""
    body = json.dumps(request(api_key=API_KEY, description="路灯坏了\ud83d"))
    async with door.open() as client:
        headers = {"Content-Type": "application/json"}
        answer = await client.post(f"{BASE}/requests.json", content=body, headers=headers)
    assert answer.status_code == 200
    (raw,) = door.kafka.held
    assert API_KEY.encode() not in raw.value
    assert "路灯坏了\ufffd" in normalize(raw, Policy()).message.text


async def test_what_a_client_says_of_itself_is_not_believed(door: Door) -> None:
    async with door.open() as client:
        headers = {"Content-Type": "application/json; client=other; ticket=x; hotline_code=110"}
        answer = await client.post(f"{BASE}/requests.json", json=request(account_id="7"), headers=headers)
    assert answer.status_code == 200
    (raw,) = door.kafka.held
    assert raw.envelope.datacontenttype == 'application/json; client="myapp"'
    sender = normalize(raw, Policy()).message.sender
    assert sender
    assert (sender.kind, sender.value) == ("uid", "myapp:7")


async def test_a_merged_line_s_door_tells_its_number(door: Door) -> None:
    async with door.open(hotline_code="12301") as client:
        await client.post(f"{BASE}/requests.json", data=request())
    findings = normalize(door.kafka.held[0], Policy()).message.findings
    assert {finding.kind: finding.value for finding in findings}["hotline_code"] == "12301"


async def read(door: Door, path: str, **settings: Any) -> httpx.Response:
    async with door.open(**settings) as client:
        return await client.get(f"{BASE}/{path}")


def test_open311_is_off_until_a_city_wants_it() -> None:
    assert WebSettings(jurisdiction=CITY).open311 is False


async def test_every_service_has_a_definition(door: Door) -> None:
    async with door.open() as client:
        listed = (await client.get(f"{BASE}/services.json")).json()
        assert len(listed) > 30
        for one in listed:
            assert {"service_code", "service_name", "description", "metadata", "type", "keywords", "group"} == {*one}
            made = (await client.get(f"{BASE}/services/{one['service_code']}.json")).json()
            assert made["service_code"] == one["service_code"]
            orders = [attribute["order"] for attribute in made["attributes"]]
            assert orders == sorted(set(orders))


async def test_the_discovery_document_names_both_formats(door: Door) -> None:
    async with door.open(public_url="https://12345.city.example/web") as client:
        made = (await client.get("/web/open311/discovery.json")).json()
    (endpoint,) = made["endpoints"]
    assert endpoint["url"] == "https://12345.city.example/web/open311/v2"
    assert endpoint["formats"] == ["text/xml", "application/json"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("services/none.json", 404),
        ("requests/none.xml", 404),
        ("requests/110000-aaaaaaaaaaaaaaaaaaaa.xml", 404),
        ("nothing.json", 404),
        ("services.yaml", 404),
        ("services.xml?jurisdiction_id=elsewhere", 404),
        ("servicerequestupdates.json", 400),
        ("requests.json?status=lost", 400),
        ("requests.json?service_code=none", 404),
        ("requests.json?start_date=yesterday", 400),
        ("requests.json?start_date=2026-11-24", 400),
        ("requests.json?start_date=2026-01-01T00:00:00Z&end_date=2026-11-01T00:00:00Z", 400),
        ("requests.json?start_date=2026-11-02T00:00:00Z&end_date=2026-11-01T00:00:00Z", 400),
        ("requests.json?service_request_id=" + ",".join(map(str, range(60))), 400),
    ],
)
async def test_a_wrong_question_is_answered_with_a_list(door: Door, path: str, status: int) -> None:
    answer = await read(door, path)
    assert answer.status_code == status
    assert [code for code, _ in told(answer)] == [status]


@pytest.mark.parametrize("jurisdiction", [CITY, "12345.city.example", ""])
async def test_the_city_has_two_names(door: Door, jurisdiction: str) -> None:
    answer = await read(door, f"services.json?jurisdiction_id={jurisdiction}", jurisdiction_id="12345.city.example")
    assert answer.status_code == 200


async def test_other_methods_are_nobodys(door: Door) -> None:
    async with door.open() as client:
        answer = await client.delete(f"{BASE}/requests.json")
    assert (answer.status_code, [code for code, _ in told(answer)]) == (404, [404])


async def test_a_request_is_found_by_id_and_message(door: Door) -> None:
    made = door.archive.put(ticket())
    joined = "j" * 26
    door.archive.filings[joined] = made.ticket_id
    async with door.open() as client:
        for name in (made.ticket_id, ids.ticket_id(CITY, joined)):
            (found,) = (await client.get(f"{BASE}/requests/{name}.json")).json()
            assert (found["service_request_id"], found["status"]) == (name, "open")
            (listed,) = (await client.get(f"{BASE}/requests.json?service_request_id={name},x")).json()
            assert listed == found


async def test_no_request_is_found_by_its_number_whose_gaps_would_count_the_confidential_ones(door: Door) -> None:
    made = door.archive.put(ticket())
    assert (await read(door, f"requests/{made.ticket_no}.json")).status_code == 404
    for path in ("requests", "servicerequestupdates"):
        assert (await read(door, f"{path}.json?service_request_id={made.ticket_no}")).json() == []
    listed = (await read(door, "requests.json")).text
    assert made.ticket_id in listed
    assert made.ticket_no not in listed


async def test_the_question_for_many_becomes_one_of_the_archive(door: Door) -> None:
    query = "start_date=2026-11-01T00:00:00%2B08:00&service_code=environment.noise,other&status=closed&page_size=5"
    assert (await read(door, f"requests.json?{query}")).json() == []
    (wanted,) = door.archive.asked
    assert (wanted.jurisdiction, wanted.closed, wanted.limit) == (CITY, True, 5)
    assert wanted.codes == ("environment.noise", "other")
    assert (wanted.start.isoformat(), wanted.end) == ("2026-11-01T00:00:00+08:00", NOW)


async def test_no_question_reaches_into_a_day(door: Door) -> None:
    query = "start_date=2026-11-01T11:22:33%2B08:00&end_date=2026-11-02T01:02:03%2B08:00"
    assert (await read(door, f"requests.json?{query}")).json() == []
    (wanted,) = door.archive.asked
    assert wanted.start.isoformat() == "2026-11-01T00:00:00+08:00"
    assert wanted.end.isoformat() == "2026-11-02T23:59:59.999999+08:00"


async def test_times_are_told_to_the_day_and_a_day_s_requests_in_no_order(door: Door) -> None:
    at = datetime(2026, 11, 25, 9, 41, 27, tzinfo=UTC)
    for number in range(5):
        door.archive.put(ticket(f"{number}" * 26, received_at=at + timedelta(minutes=number), updated_at=at))
    answer = await read(door, "requests.json")
    assert "41:27" not in answer.text
    assert {one["requested_datetime"] for one in answer.json()} == {"2026-11-25T00:00:00+08:00"}
    assert {one["updated_datetime"] for one in answer.json()} == {"2026-11-25T00:00:00+08:00"}
    names = [one["service_request_id"] for one in answer.json()]
    assert names == sorted(names, reverse=True)


PERSONAL = ("张伟", "13800138000", "zhang@mail.example", "中山路12号3单元", "41.80", "路灯不亮")


def full(**changes: Any) -> Any:
    return ticket(
        title="路灯不亮",
        text="路灯不亮，我是张伟，13800138000",
        requester=Requester(name="张伟", phone="13800138000", email="zhang@mail.example"),
        location=Location(text="中山路12号3单元", latitude=41.80, longitude=123.43, datum="wgs84"),
        result=Result(text="已联系张伟"),
        **changes,
    )


@pytest.mark.parametrize("form", ["json", "xml"])
async def test_nobody_s_words_are_told_by_default(door: Door, form: str) -> None:
    door.archive.put(full())
    async with door.open() as client:
        texts = [
            (await client.get(f"{BASE}/{path}.{form}")).text
            for path in ("requests", f"requests/{full().ticket_id}", "servicerequestupdates")
        ]
    for text in texts:
        assert [value for value in PERSONAL if value in text] == []


async def test_with_the_city_s_consent_masked_words_are_told_and_only_those(door: Door) -> None:
    masked = ticket(location=Location(text="中山路12号"))
    door.archive.put(masked)
    found = (await read(door, f"requests/{masked.ticket_id}.json", told="masked")).json()[0]
    assert masked.text.startswith(masked.title or "-"), "told once"
    assert (found["description"], found["address"]) == (masked.text, "中山路12号")
    door.archive.put(replace(full(), masked=False))
    assert "张伟" not in (await read(door, f"requests/{masked.ticket_id}.json", told="masked")).text


@pytest.mark.parametrize("changes", [{"confidentiality": "confidential"}, {"confidentiality": "restricted"}])
async def test_a_confidential_request_is_found_nowhere(door: Door, changes: Fields) -> None:
    made = door.archive.put(full(request_kind="report", **changes))
    one = f"service_request_id={made.ticket_id}"
    for told in ("status", "masked"):
        assert (await read(door, f"requests/{made.ticket_id}.json", told=told)).status_code == 404
        for path in (f"requests.json?{one}", f"servicerequestupdates.json?{one}", "requests.json"):
            assert (await read(door, path, told=told)).json() == []


async def test_how_it_went_is_told_stage_by_stage(door: Door) -> None:
    steps = tuple(
        StatusStep(status=status, at=NOW + timedelta(hours=hours))
        for hours, status in enumerate(("registered", "dispatched", "resolved"), 1)
    )
    made = door.archive.put(ticket(status="resolved", status_at=steps[-1].at, history=steps))
    updates = (await read(door, f"servicerequestupdates.json?service_request_id={made.ticket_id}")).json()
    assert [(one["status"], one["description"].split()[0]) for one in updates] == [
        ("open", "received"),
        ("open", "registered"),
        ("open", "dispatched"),
        ("closed", "resolved"),
    ]
    assert updates[1]["updated_datetime"] == "2026-11-25T00:00:00+08:00"


async def test_the_notes_say_why_it_was_not_accepted(door: Door) -> None:
    refused = Acceptance(decision="not_accepted", reason="emergency_line")
    made = door.archive.put(ticket(status="not_accepted", acceptance=refused))
    found = (await read(door, f"requests/{made.ticket_id}.json")).json()[0]
    assert (found["status"], found["status_notes"]) == ("closed", "not_accepted 不予受理; emergency_line")
    door.archive.put(replace(made, acceptance=replace(refused, text="请立即拨打110、119、120或122。")))
    found = (await read(door, f"requests/{made.ticket_id}.json")).json()[0]
    assert found["status_notes"] == "not_accepted 不予受理; emergency_line; 请立即拨打110、119、120或122。"


async def update(door: Door, **changes: Any) -> httpx.Response:
    fields = {"api_key": API_KEY, "description": "还是不亮", **changes}
    async with door.open() as client:
        return await client.post(f"{BASE}/servicerequestupdates.json", data=fields)


@pytest.mark.parametrize("by", ["ticket_id", "ticket_no"])
async def test_more_words_are_filed_with_the_request_whose_query_code_is_given(door: Door, by: str) -> None:
    made = door.archive.put(ticket())
    code = ids.query_code(b"query key of the tests", made.ticket_id)
    answer = await update(door, service_request_id=getattr(made, by), query_code=code)
    assert answer.status_code == 200
    message = normalize(door.kafka.held[0], Policy()).message
    assert (message.text, message.features.token) == ("还是不亮", made.ticket_id)
    assert code not in message.text


@pytest.mark.parametrize("code", ["", "000000000000"])
async def test_without_the_query_code_more_words_name_no_ticket(door: Door, code: str) -> None:
    made = door.archive.put(ticket())
    assert (await update(door, service_request_id=made.ticket_id, query_code=code)).status_code == 200
    features = normalize(door.kafka.held[0], Policy()).message.features
    assert (features.token, features.claimed) == (None, None)


async def test_more_words_are_taken_while_the_archive_is_away(door: Door) -> None:
    door.archive.away = True
    assert (await update(door, service_request_id=ticket().ticket_no, query_code="1")).status_code == 200


@pytest.mark.parametrize("changes", [{"service_request_id": ""}, {"service_request_id": "x", "description": " "}])
async def test_an_update_needs_words_and_a_request(door: Door, changes: Fields) -> None:
    answer = await update(door, **changes)
    assert (answer.status_code, [code for code, _ in told(answer)]) == (400, [400])


@pytest.mark.parametrize("fault", ["away", "silent"])
async def test_without_the_archive_questions_wait_and_requests_are_taken(door: Door, fault: str) -> None:
    setattr(door.archive, fault, True)
    async with door.open(archive_timeout_seconds=0.05) as client:
        before = counted("unsafe")
        asked = await client.get(f"{BASE}/requests.xml")
        assert (asked.status_code, [code for code, _ in told(asked)]) == (503, [503])
        assert counted("unsafe") == before, "a question loses no message"
        assert (await client.post(f"{BASE}/requests.json", data=request())).status_code == 200


async def test_a_fault_of_ours_promises_nothing_and_tells_nothing(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: object) -> None:
        raise KeyError("a citizen's words")

    monkeypatch.setattr(door.kafka, "publish", break_down)
    counted = metrics.FAULTS_OF_OURS.labels("web", "city")
    before = counted._value.get()
    with capture_logs() as logs:
        answer = await post(door, request(description="张伟的诉求"))
    assert (answer.status_code, [code for code, _ in told(answer)]) == (500, [500])
    assert [line for line in logs if "words" in str(line) or "张伟" in str(line)] == []
    assert counted._value.get() == before + 1, "the alarm on faults of ours counts it"


async def test_refusals_and_requests_are_counted(door: Door) -> None:
    counters: list[Callable[[], float]] = [
        lambda: metrics.PUSH_REQUESTS.labels("web", "published")._value.get(),
        lambda: metrics.PUSH_REQUESTS.labels("web", "refused")._value.get(),
        lambda: metrics.PUSH_REFUSED.labels("web", "key")._value.get(),
        lambda: metrics.PUSH_REFUSED.labels("web", "invalid")._value.get(),
        lambda: metrics.PUSH_REQUESTS.labels("web", "answered")._value.get(),
    ]
    before = [count() for count in counters]
    async with door.open() as client:
        await client.post(f"{BASE}/requests.json", data=request())
        await client.post(f"{BASE}/requests.json", data=request(api_key="x"))
        await client.post(f"{BASE}/requests.json", data=request(service_code=None))
        await client.get(f"{BASE}/services.json")
    assert [count() - was for count, was in zip(counters, before, strict=True)] == [1, 2, 1, 1, 1]


async def test_answers_are_cached_nowhere_and_run_nothing(door: Door) -> None:
    headers = (await read(door, "services.json")).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("form", ["json", "xml"])
async def test_who_counts_the_numbers_up_is_stopped_and_others_are_not(door: Door, form: str) -> None:
    made = door.archive.put(ticket("a"))
    ways = [f"requests/{made.ticket_id}", "requests", f"tokens/{made.ticket_id}", "servicerequestupdates"]
    async with door.open(reads_per_hour=4) as client:
        several = {"service_request_id": f"{made.ticket_id},x,y"}
        assert (await client.get(f"{BASE}/requests.{form}", params=several)).status_code == 200
        assert (await client.get(f"{BASE}/{ways[0]}.{form}")).status_code == 200
        for way in ways:
            answer = await client.get(f"{BASE}/{way}.{form}", params={"service_request_id": made.ticket_id})
            assert (answer.status_code, told(answer)[0][0]) == (429, 429)
            assert int(answer.headers["retry-after"]) > 0
        assert (await client.get(f"{BASE}/services.{form}")).status_code == 200
        assert (await client.post(f"{BASE}/requests.{form}", data=request())).status_code == 200
