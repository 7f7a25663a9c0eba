"""normalize completes a draft into a message: ids, times, limits, files, and strings that JSON can bear."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from normalizers.base import Policy
from normalizers.pipeline import NORMALIZER_VERSION, Normalized, normalize, screened_text
from normalizers.text.fold import cut, fold
from schemas.codec import Position, decode, encode
from schemas.errors import MissingBlobError, RecordError, UnsupportedError
from schemas.records import Message, RawMessage

Raw = Callable[..., RawMessage]
POLICY = Policy()


def record(raw: Raw, policy: Policy = POLICY, **fields: Any) -> Normalized:
    return normalize(raw(json.dumps({"id": "1", "text": "井盖坏了", **fields}).encode()), policy)


def test_the_envelope_names_the_message(raw: Raw) -> None:
    source = structs.replace(raw(b'{"id":"7","text":"x"}', identifier="7"), position=Position("t", 3, 9))
    message = normalize(source, POLICY).message
    assert (message.message_id, message.id, message.source) == (source.message_id, "7", "/hotline/record/city")
    assert (message.raw.topic, message.raw.partition, message.raw.offset) == ("t", 3, 9)
    assert message.raw.sha256 == hashlib.sha256(source.value).hexdigest()
    assert message.normalizer_version == NORMALIZER_VERSION
    assert message.ingested_at == message.received_at == source.envelope.time


def test_search_text_is_title_and_text_folded(raw: Raw) -> None:
    message = record(raw, title="關於井蓋", text="Ａ區  井盖\n坏了").message
    assert message.search_text == "关于井盖 a区 井盖 坏了" == fold(screened_text(message))
    assert message.text == "Ａ區  井盖\n坏了"


def test_a_record_names_its_own_channel_time_and_account(raw: Raw) -> None:
    message = record(raw, channel="phone", account="12301", received_at="2026-11-20T08:00:00").message
    assert (message.channel, message.channel_kind, message.account) == ("phone", "phone", "12301")
    assert message.received_at == datetime(2026, 11, 20, 0, 0, tzinfo=UTC)


def test_attachments_name_blobs_beside_the_message(raw: Raw) -> None:
    files = [{"name": "C:\\pic\\井盖.jpg", "data": "aGVsbG8=", "media_type": "image/jpeg"}, {"name": "/etc/passwd"}]
    message, blobs, _ = record(raw, attachments=files)
    photo, named = message.attachments
    digest = hashlib.sha256(b"hello").hexdigest()
    assert (photo.name, photo.size, photo.sha256) == ("井盖.jpg", 5, digest)
    assert blobs == ((f"210100/{message.message_id}/{digest}", b"hello"),)
    assert photo.dataref == blobs[0].path
    assert (named.name, named.size, named.sha256, named.dataref) == ("passwd", None, None, None)


def test_equal_files_are_one_blob(raw: Raw) -> None:
    message, blobs, _ = record(raw, attachments=[{"name": name, "data": "aGVsbG8="} for name in "ab"])
    assert len(message.attachments) == 2
    assert len(blobs) == 1


def test_long_texts_are_cut_and_kept_whole_beside(raw: Raw) -> None:
    text = "井盖坏了。" * 10_000
    message, blobs, _ = record(raw, text=text)
    assert len(message.text.encode()) <= 64 * 1024 < len(message.text.encode()) + 3
    assert text.startswith(message.text)
    assert message.attachments[0].name == "text.txt"
    assert blobs[0].data.decode() == text


def test_long_titles_and_extras_are_kept_beside(raw: Raw) -> None:
    message, blobs, _ = record(raw, title="标" * 5_000, note="备" * 100_000)
    assert len(message.title or "") == 1_000
    assert [file.name for file in message.attachments] == ["title.txt", "extra.json"]
    assert json.loads(blobs[1].data) == {"note": "备" * 100_000}
    assert len(encode(message)) < 100_000


@pytest.mark.parametrize(
    ("text", "limit", "kept"), [("井盖", 5, "井"), ("井盖", 6, "井盖"), ("a😀", 4, "a"), ("", 0, "")]
)
def test_texts_are_cut_between_characters(text: str, limit: int, kept: str) -> None:
    assert cut(text, limit) == kept


def test_an_emergency_behind_the_cut_is_still_one(raw: Raw) -> None:
    message = record(raw, text="路灯不亮。" * 10_000 + "我家着火了").message
    assert message.emergency is not None
    assert (message.emergency.level, message.emergency.spans) == ("critical", ())


def test_spans_point_into_title_and_text(raw: Raw) -> None:
    message = record(raw, title="我家着火了", text="快来，还有人昏迷").message
    assert message.emergency is not None
    assert [screened_text(message)[a:b] for a, b in message.emergency.spans] == ["着火", "昏迷"]
    emergencies = [code for code in message.features.codes if code.startswith("emergency")]
    assert emergencies == ["emergency.fire", "emergency.medical", "emergency_level.critical"]


def test_old_emergencies_are_stale(raw: Raw) -> None:
    taken = datetime(2026, 11, 24, 1, 12, 5, tzinfo=UTC)
    for age, stale in ((timedelta(hours=23), False), (timedelta(hours=25), True)):
        found = record(raw, text="我家着火了", received_at=(taken - age).isoformat()).message.emergency
        assert found is not None
        assert found.stale is stale


def test_no_broken_string_reaches_the_json(raw: Raw) -> None:
    value = rb"""{"id":"1","text":"a\ud800\u0000b","title":"\udfff","sender":{"kind":"name","value":"\ud800"},
        "thread_id":"\ud800","place":"\ud800","\ud800":"\ud800","attachments":[{"name":"\ud800.txt"}]}"""
    message = normalize(raw(value), POLICY).message
    text = encode(message).decode()
    assert message.text == "a\ufffd\ufffdb"
    assert "\\u0000" not in text
    assert decode(text.encode(), Message) == message


def test_an_unknown_channel_says_what_to_do(raw: Raw) -> None:
    with pytest.raises(UnsupportedError, match="add it to"):
        normalize(raw(b"x", "pigeon"), POLICY)


def test_bytes_left_in_the_blob_store_are_asked_for(raw: Raw) -> None:
    source = raw(b"", "record")
    with pytest.raises(MissingBlobError, match="read them"):
        normalize(structs.replace(source, envelope=structs.replace(source.envelope, dataref="a/b/c")), POLICY)


def test_reasons_name_fields_and_quote_nothing(raw: Raw) -> None:
    with pytest.raises(RecordError) as caught:
        record(raw, channel="13912345678 李雷")
    assert "channel" in str(caught.value)
    assert "李雷" not in str(caught.value)


def test_a_long_subject_stands_whole_beside_the_message(raw: Raw) -> None:
    title = "标" * 5_000
    message, blobs, _ = normalize(raw(f"Subject: {title}\n\n正文".encode(), "mailbox"), POLICY)
    assert message.title == title[:1_000]
    assert [file.name for file in message.attachments] == ["title.txt"]
    assert blobs[0].data.decode() == title


FIRE = "解放路88号三楼着火了，有人被困，快来人！"
TEXT = "Content-Type: text/plain; charset=utf-8\n"
BESIDE: dict[str, tuple[str, str]] = {
    "an attached mail": (
        "Content-Type: multipart/mixed; boundary=b\n\n"
        f"--b\n{TEXT}\n请看附件\n--b\nContent-Type: message/rfc822\n\n{TEXT}\n{FIRE}\n--b--\n",
        "critical",
    ),
    "the subject of an attached mail": (
        "Content-Type: multipart/mixed; boundary=b\n\n"
        f"--b\n{TEXT}\n请看附件\n--b\nContent-Type: message/rfc822\n\nSubject: {FIRE}\n{TEXT}\n见图\n--b--\n",
        "mentioned",
    ),
    "an attached mail under an answer": (
        "In-Reply-To: <1@b.cn>\nContent-Type: multipart/mixed; boundary=b\n\n"
        f"--b\n{TEXT}\n请看附件\n--b\nContent-Type: message/rfc822\n\n{TEXT}\n{FIRE}\n--b--\n",
        "mentioned",
    ),
    "a signature": (f"{TEXT}\n市长好\n--\n三楼着火有人被困\n", "critical"),
    "a quotation that answers nothing": (f"{TEXT}\n您好\n2026年11月24日 10:00 张三 写道：\n{FIRE}\n", "mentioned"),
    "a bordered block": (
        f"Content-Type: text/html; charset=utf-8\n\n<p>您好</p><blockquote style='border-left:2px'>{FIRE}</blockquote>",
        "mentioned",
    ),
    "an invitation": (
        "Content-Type: multipart/mixed; boundary=b\n\n"
        f"--b\n{TEXT}\n请看日程\n--b\nContent-Type: text/calendar; charset=utf-8; method=REQUEST; name=a.ics\n\n"
        "BEGIN:VCALENDAR\nMETHOD:REQUEST\nDESCRIPTION;LANGUAGE=zh:解放路\\,三楼着\n 火了\\n有人被困\nEND:VCALENDAR\n"
        "--b--\n",
        "mentioned",
    ),
    "a text file": (
        "Content-Type: multipart/mixed; boundary=b\n\n"
        f"--b\n{TEXT}\n请看附件\n--b\n{TEXT}Content-Disposition: attachment; filename=a.txt\n\n{FIRE}\n--b--\n",
        "mentioned",
    ),
}


@pytest.mark.parametrize("name", BESIDE)
def test_an_emergency_beside_title_and_text_is_seen(name: str, raw: Raw) -> None:
    data, level = BESIDE[name]
    message = normalize(raw(data.encode(), "mailbox"), POLICY).message
    assert "着火" not in screened_text(message)
    assert message.emergency is not None
    assert (message.emergency.level, message.emergency.spans) == (level, ())
    assert f"emergency_level.{level}" in message.features.codes


def test_what_an_answer_quotes_was_screened_before(raw: Raw) -> None:
    data = f"In-Reply-To: <1@b.cn>\n{TEXT}\n谢谢\n2026年11月24日 10:00 张三 写道：\n> {FIRE}\n"
    assert normalize(raw(data.encode(), "mailbox"), POLICY).message.emergency is None


def test_emergencies_of_all_texts_are_one(raw: Raw) -> None:
    data = f"Subject: 去年我们楼起火\n{TEXT}\n老人晕倒了叫不醒\n--\n三楼着火有人被困\n"
    found = normalize(raw(data.encode(), "mailbox"), POLICY).message.emergency
    assert found is not None
    assert found.level == "critical"
    assert {"medical", "fire"} <= set(found.classes)
    assert found.spans


def test_a_calendar_alone_is_its_words(raw: Raw) -> None:
    data = "Content-Type: text/calendar; charset=utf-8\n\nBEGIN:VCALENDAR\nSUMMARY:停水\nDESCRIPTION:三天了\nEND:X\n"
    assert normalize(raw(data.encode(), "mailbox"), POLICY).message.text == "停水\n三天了"
