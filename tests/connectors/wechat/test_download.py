"""Media from the platform: whole, in bounded memory, and never an error taken for a file."""

import hashlib
import io
import tracemalloc
from typing import Any

import pytest

from connectors.wechat import api as ours
from connectors.wechat.api import Api, NoAnswerError, RefusalError
from connectors.wechat.download import download
from hotline.dev.demo.wechat_api import Call, WeChatApi
from schemas.errors import TooLargeError, UnauthorizedError
from tests.connectors.wechat.slow import dribbling

pytestmark = pytest.mark.integration

PHOTO = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 1000


def answering(body: bytes, kind: str, **options: Any) -> Any:
    def fault(call: Call) -> bool:
        if call.endpoint != "media/get":
            return False
        call.send(body, kind, **options)
        return True

    return fault


def test_the_bytes_are_the_platforms(platform: WeChatApi, api: Api) -> None:
    platform.media["m1"] = (PHOTO, "image/jpeg")
    into = io.BytesIO(b"what an earlier try left" * 100_000)
    came = download(api, "m1", into)
    assert into.getvalue() == PHOTO
    assert (came.size, came.media_type) == (len(PHOTO), "image/jpeg")
    assert came.sha256 == hashlib.sha256(PHOTO).hexdigest()


@pytest.mark.parametrize("body", [b'{"errcode":40007}', b'{"a": 1}', b"<html></html>"])
def test_a_file_may_look_like_an_error(platform: WeChatApi, api: Api, body: bytes) -> None:
    platform.media["m1"] = (body, "application/octet-stream")
    into = io.BytesIO()
    download(api, "m1", into)
    assert into.getvalue() == body


def test_json_without_a_verdict_is_a_file(platform: WeChatApi, api: Api) -> None:
    platform.fault = answering(b'{"a": 1}', "application/octet-stream")
    assert download(api, "m1", io.BytesIO()).size == 8


def test_gone_is_gone(api: Api) -> None:
    with pytest.raises(RefusalError) as caught:
        download(api, "gone", io.BytesIO())
    assert caught.value.errcode == 40007


def test_an_errcode_in_quotes_is_no_file_either(platform: WeChatApi, api: Api) -> None:
    platform.fault = answering(b'{"errcode":"40007","errmsg":"invalid media_id"}', "text/plain")
    with pytest.raises(RefusalError) as caught:
        download(api, "m1", io.BytesIO())
    assert caught.value.errcode == 40007


def test_an_error_that_comes_in_pieces_is_no_file(platform: WeChatApi, api: Api) -> None:
    def in_pieces(call: Call) -> bool:
        if call.endpoint != "media/get":
            return False
        call.handler.close_connection = True
        call.handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in (b'{"errcode":', b'40007,"errmsg":"invalid media_id"}', b""):
            call.handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        return True

    platform.fault = in_pieces
    with pytest.raises(RefusalError) as caught:
        download(api, "m1", io.BytesIO())
    assert caught.value.errcode == 40007


def test_a_token_that_ended_is_replaced_once(platform: WeChatApi, api: Api) -> None:
    platform.media["m1"] = (PHOTO, "image/jpeg")
    download(api, "m1", io.BytesIO())
    platform.expire_tokens()
    assert download(api, "m1", io.BytesIO()).size == len(PHOTO)
    platform.fault = answering(b'{"errcode":42001}', "text/plain")
    with pytest.raises(UnauthorizedError):
        download(api, "m1", io.BytesIO())
    assert platform.calls.count("stable_token") == 3


def test_thirty_megabytes_take_no_memory(platform: WeChatApi, api: Api, tmp_path: Any) -> None:
    platform.media["m1"] = (b"x" * (30 << 20), "video/mp4")
    with (tmp_path / "spool").open("w+b") as into:
        download(api, "m1", into)
        tracemalloc.start()
        download(api, "m1", into)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert into.tell() == 30 << 20
    assert peak < 70 << 20  # the platform, in this process, holds and sends its 30 MiB


def test_over_the_limit_is_refused_while_it_comes(platform: WeChatApi, api: Api) -> None:
    platform.media["m1"] = (PHOTO, "image/jpeg")
    into = io.BytesIO()
    with pytest.raises(TooLargeError):
        download(api, "m1", into, limit=100_000)
    assert len(into.getvalue()) <= 100_000
    assert download(api, "m1", into, limit=len(PHOTO)).size == len(PHOTO)


FAULTS = {
    "cut off": answering(PHOTO[:5000], "image/jpeg", name="a.jpg", length=len(PHOTO)),
    "empty": answering(b"", "image/jpeg", name="a.jpg"),
    "a page": answering(b"<html>login</html>", "text/html"),
    "500": answering(b"", "text/plain", status=500),
    "404": answering(b"", "text/plain", status=404),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_whole_file_is_fetched_again(platform: WeChatApi, api: Api, fault: str) -> None:
    platform.media["m1"] = (PHOTO, "image/jpeg")
    platform.fault = FAULTS[fault]
    into = io.BytesIO()
    with pytest.raises(NoAnswerError):
        download(api, "m1", into)
    platform.fault = None
    download(api, "m1", into)
    assert into.getvalue() == PHOTO


def test_a_platform_that_dribbles_is_given_up(platform: WeChatApi, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "FILE_SECONDS", 0.3)
    platform.fault = dribbling("media/get")
    with pytest.raises(NoAnswerError):
        download(api, "m1", io.BytesIO())


def test_a_video_is_fetched_from_the_address_that_the_platform_names(platform: WeChatApi, api: Api) -> None:
    def fault(call: Call) -> bool:
        if call.endpoint == "media/get":
            call.say({"video_url": f"{platform.url}/video/1"})
            return True
        if call.endpoint == "/video/1":
            assert "access_token" not in call.query
            call.send(PHOTO, "video/mp4")
            return True
        return False

    platform.fault = fault
    into = io.BytesIO()
    assert download(api, "m1", into).media_type == "video/mp4"
    assert into.getvalue() == PHOTO


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "http://evilqq.com/1",
        "http://qq.com.evil.example/1",
        "x",
        "http://[",
    ],
)
def test_an_address_that_is_not_tencents_is_not_followed(platform: WeChatApi, api: Api, url: str) -> None:
    platform.fault = answering(f'{{"video_url":"{url}"}}'.encode(), "text/plain")
    with pytest.raises(RefusalError):
        download(api, "m1", io.BytesIO())
    assert platform.calls[-1] == "media/get"


def lead(call: Call, address: str) -> None:
    call.handler.send_response(302)
    call.handler.send_header("Location", address)
    call.handler.send_header("Content-Length", "0")
    call.handler.end_headers()


def leading(platform: WeChatApi, *addresses: str) -> Any:
    """A video at `/video/1` that leads to each of the addresses in turn; at `/video/2` it is."""
    left = list(addresses)

    def fault(call: Call) -> bool:
        if call.endpoint == "media/get":
            call.say({"video_url": f"{platform.url}/video/1"})
        elif call.endpoint == "/video/2":
            call.send(PHOTO, "video/mp4")
        elif call.endpoint.startswith("/video/"):
            lead(call, left.pop(0))
        else:
            return False
        return True

    return fault


def test_a_video_may_lie_elsewhere_at_the_same_host(platform: WeChatApi, api: Api) -> None:
    platform.fault = leading(platform, "/video/3", f"{platform.url}/video/2")
    into = io.BytesIO()
    download(api, "m1", into)
    assert into.getvalue() == PHOTO


@pytest.mark.parametrize("address", ["http://169.254.169.254/latest", "//evil.example/1", "file:///etc/passwd"])
def test_a_video_that_leads_to_a_stranger_is_not_followed(platform: WeChatApi, api: Api, address: str) -> None:
    platform.fault = leading(platform, address)
    into = io.BytesIO()
    with pytest.raises(RefusalError):
        download(api, "m1", into)
    assert into.getvalue() == b""
    assert platform.calls[-1] == "/video/1"


def test_a_video_that_leads_on_and_on_is_given_up(platform: WeChatApi, api: Api) -> None:
    platform.fault = leading(platform, *["/video/1"] * 20)
    with pytest.raises(RefusalError):
        download(api, "m1", io.BytesIO())


def test_a_platform_that_leads_elsewhere_is_not_followed(platform: WeChatApi, api: Api) -> None:
    def fault(call: Call) -> bool:
        if call.endpoint == "media/get":
            lead(call, "/video/2")
        return call.endpoint == "media/get"

    platform.fault = fault
    with pytest.raises(NoAnswerError):
        download(api, "m1", io.BytesIO())
    assert platform.calls[-1] == "media/get"
