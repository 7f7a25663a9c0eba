"""The demo's call platform: signed posts of two calls, one of which is told in three records."""

import hashlib
import hmac
import time
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import urllib3

from hotline.dev.demo.stage import PATIENCE_SECONDS, Player, Stage
from schemas.errors import UnreachableError

PREFIX = "HOTLINE_CONNECTORS__PHONE__DEMO_PHONE__"
SECRET = "hotline demo secret for loopback only"  # noqa: S105 - of the demo alone
PATH = "/phone"


class PhonePlayer(Player):
    """Posts as a call platform does: what it signs is written out here once more, from the documentation."""

    def __init__(self, stage: Stage) -> None:
        self._url = f"{stage.receiver_url}{PATH}"
        self._http = urllib3.PoolManager(retries=False, timeout=PATIENCE_SECONDS)

    def __exit__(self, *_: object) -> None:
        self._http.clear()

    def environment(self) -> Mapping[str, str]:
        """Return the settings of the account."""
        return {f"{PREFIX}SECRETS": f'["{SECRET}"]', f"{PREFIX}PATH": PATH, f"{PREFIX}PLATFORM": "demo"}

    def messages(self) -> Iterator[str]:
        """Post one record after the other; one comes twice."""
        for record, note, times in samples():
            for _ in range(times):
                self._post(msgspec.json.encode(record))
                yield f"📞 电话 12345  {note}"

    def _post(self, body: bytes) -> None:
        stamp = str(int(time.time()))
        signature = hmac.new(SECRET.encode(), b"v1\n" + stamp.encode() + b"\n" + body, hashlib.sha256).hexdigest()
        headers = {"Hotline-Timestamp": stamp, "Hotline-Signature": f"v1={signature}"}
        status = self._http.request("POST", self._url, body=body, headers=headers).status
        if status != 200:
            raise UnreachableError(f"the receiver answered {status} to a signed record of a call")


def samples() -> tuple[tuple[dict[str, Any], str, int], ...]:
    """Return records of calls, what is worth seeing about each, and how often it comes; all people are invented."""
    began = "2026-03-02T09:00:00+08:00"  # in each record: a call is its id and its day
    heating = {"call_id": "20260302-0001", "caller": "02484000001", "callee": "12345", "started_at": began}
    return (
        (
            {**heating, "revision": 1, "disposition": "answered"},
            "接通，还没有内容，不成工单 · a call without words waits",
            1,
        ),
        (
            {
                **heating, "revision": 2, "agent": "8001", "request_kind": "投诉",
                "note": "来电人反映崇山东路66号供热站本周两次停暖，室内只有十四度，要求尽快恢复",
                "recording": {"reference": "2026/03/02/0001.wav", "bytes": 1206840},
            },
            "坐席记录，成工单 · the agent's note opens the ticket",
            2,
        ),
        (
            {
                "call_id": "20260302-0002", "revision": 1, "caller": "13900000021", "callee": "12345", "agent": "8002",
                "note": "来电人咨询外地居民如何办理敬老卡，已告知到社区服务站办理", "request_kind": "咨询",
            },
            "另一通电话 · another call",
            1,
        ),
        (
            {
                **heating, "revision": 3,
                "transcript": [
                    {"speaker": "agent", "text": "您好，12345"},
                    {"speaker": "citizen", "text": "我们楼这周停了两次暖气，老人都感冒了，什么时候能修好？"},
                ],
            },
            "语音转写晚到，补入同一张工单 · the transcript completes the same ticket",
            1,
        ),
    )  # fmt: skip
