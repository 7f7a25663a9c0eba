"""Every frame of a CMPP session, against the frames of a foreign gateway and by the document's own arithmetic."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sms_cmpp import codec
from connectors.sms_cmpp.settings import CmppSettings, Major
from connectors.sms_cmpp.submission import Submission, submit
from connectors.sms_common.frames import Frame, Frames
from normalizers.sms import cmpp
from schemas.errors import MalformedError, UnreachableError, UnsupportedError
from tests.rows import each_row

SECRET = b"888888"


def test_the_time_of_a_login_keeps_its_leading_zero_and_is_chinas() -> None:
    new_year = datetime(2025, 12, 31, 16, 0, 0, tzinfo=UTC)
    body, proof = codec.connect("900001", SECRET, 2, new_year)
    assert len(body) == 27
    assert int.from_bytes(body[-4:], "big") == 101000000
    assert proof == codec.authenticator("900001", SECRET, "0101000000")
    assert body[:6] == b"900001"
    assert body[6:22] == proof
    assert proof != codec.authenticator("900001", SECRET, "101000000")


def test_a_short_sp_id_is_filled_with_zeros() -> None:
    body, proof = codec.connect("9001", SECRET, 3, datetime(2026, 11, 25, tzinfo=UTC))
    assert body[:6] == b"9001\0\0"
    assert body[22] == 0x30
    assert proof == codec.authenticator("9001\0\0", SECRET, "1125080000")


def codec_of(version: str = "2.0") -> codec.CmppCodec:
    """The codec of an account."""
    given = {"host": "127.0.0.1", "source": "900001", "secret": "888888", "version": version}
    return codec.CmppCodec(CmppSettings.model_validate(given))


def cut(stream: bytes, version: str = "2.0") -> Frame | None:
    frames = Frames(codec_of(version))
    frames.add(stream)
    return frames.next()


@each_row("size", [0, 11, 2478, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_length_that_no_frame_has_is_refused(size: int) -> None:
    with pytest.raises(UnreachableError, match=str(size)):
        cut(size.to_bytes(4, "big") + bytes(8))


@pytest.mark.parametrize(("version", "longest"), [("2.0", 2477), ("3.0", 3335)])
def test_the_longest_frames_differ_between_the_versions(version: str, longest: int) -> None:
    whole = longest.to_bytes(4, "big") + bytes(longest - 4)
    assert cut(whole[:-1], version) is None
    frame = cut(whole, version)
    assert frame is not None
    assert frame.raw == whole


@pytest.mark.parametrize(("major", "sizes"), [(2, (9, 21)), (3, (12, 24))])
def test_a_result_is_as_wide_as_its_version_says(major: Major, sizes: tuple[int, int]) -> None:
    body = codec.deliver_answer(b"\1" * 8, codec.FLOW_CONTROL, major)
    assert (len(body), len(codec.frame(codec.DELIVER | codec.ANSWER, 7, body))) == sizes
    assert (body[:8], int.from_bytes(body[8:], "big")) == (b"\1" * 8, 8)


def test_an_answer_to_a_deliver_without_a_msg_id_has_one_of_zeros() -> None:
    assert codec.deliver_answer(b"\1\2", 0, 2) == b"\1\2" + bytes(7)


@given(st.binary(max_size=64))
def test_nothing_but_malformed_leaves_the_readers(body: bytes) -> None:
    for read in (codec.connect_answer, codec.submit_answer):
        try:
            read(body)
        except MalformedError:
            continue


def _vectors(data: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (data / "sms" / "vectors.jsonl").read_text("utf-8").splitlines()]


def _one(data: Path, func: str) -> bytes:
    return next(bytes.fromhex(one["hex"]) for one in _vectors(data) if one["func"] == func)


def test_the_login_of_a_foreign_client_is_ours_bit_for_bit(data: Path) -> None:
    sent = _one(data, "TestCmppConnReqPktPack")
    ours, _ = codec.connect("900001", SECRET, 2, datetime(2026, 10, 21, 0, 5, 10, tzinfo=UTC))
    frame = codec.frame(codec.CONNECT, 0x17, ours)
    assert frame[:34] + b"\x21" + frame[35:] == sent  # its Version is 2.1


@pytest.mark.parametrize(("func", "version"), [("TestCmpp2ConnRspPktPack", 2), ("TestCmpp3ConnRspPktPack", 3)])
def test_the_login_of_a_foreign_gateway_is_proven(data: Path, func: str, version: Major) -> None:
    answer = codec.connect_answer(_one(data, func)[12:])
    proof = _one(data, "TestCmppConnReqPktPack")[18:34]
    assert (answer.status, answer.major) == (0, version)
    assert codec.is_proven(answer, proof, SECRET)
    assert not codec.is_proven(answer, proof, b"888889")
    assert not codec.is_proven(answer._replace(status=1), proof, SECRET)


@pytest.mark.parametrize(("func", "major"), [("TestCmpp3DeliverRspPktPack", 3), ("TestCmpp2DeliverRspPktPack", 2)])
def test_the_answers_of_a_foreign_client_are_ours_bit_for_bit(data: Path, func: str, major: Major) -> None:
    sent = _one(data, func)
    sequence = int.from_bytes(sent[8:12], "big")
    assert codec.frame(codec.DELIVER | codec.ANSWER, sequence, codec.deliver_answer(sent[12:20], 0, major)) == sent


def test_the_frames_without_a_body_are_ours_bit_for_bit(data: Path) -> None:
    assert codec.frame(codec.ACTIVE_TEST, 0x17) == _one(data, "TestCmppActiveTestReqPktPack")
    tested = codec_of().bare(codec.ACTIVE_TEST | codec.ANSWER, 0x17)
    assert tested == _one(data, "TestCmppActiveTestRspPktPack")
    assert codec.frame(codec.TERMINATE, 0x17) == _one(data, "TestCmppTerminateReqPktPack")
    assert codec.frame(codec.TERMINATE | codec.ANSWER, 0x17) == _one(data, "TestCmppTerminateRspPktPack")


@pytest.mark.parametrize("func", ["TestCmpp2SubmitRspPktPack", "TestCmpp3SubmitRspPktPack"])
def test_a_foreign_gateways_answer_to_a_submit_is_read(data: Path, func: str) -> None:
    assert codec.submit_answer(_one(data, func)[12:]) == ("12878564852733378560", 0)


@pytest.mark.parametrize(("line", "major"), [(441, 2), (493, 3)])
def test_a_submit_is_laid_out_as_a_foreign_clients(data: Path, line: int, major: Major) -> None:
    found = next(one for one in _vectors(data) if (one["file"], one["line"]) == ("gocmpp/submit_test.go", line))
    theirs = bytearray.fromhex(found["hex"])[4:]  # without the sequence
    width = 21 if major == 2 else 32
    after = 23 + width + (major == 3) + 3 + 6 + 2
    for start, size in ((11, 1), (23, width), (after, 6 + 17 + 17)):  # Msg_level, Fee_terminal_Id, FeeCode and times
        theirs[start : start + size] = bytes(size)
    ours = submit(
        Submission(
            source="900001",
            service="test",
            fee_type="02",
            number="900001",
            to="13500002696",
            content="测试gocmpp submit".encode("utf-16-be"),
            wants_report=True,
        ),
        major,
    )
    assert ours == bytes(theirs)


def test_every_vector_is_a_frame_that_we_know_or_harmless(data: Path) -> None:
    commands = {codec.CONNECT, codec.TERMINATE, codec.SUBMIT, codec.DELIVER, codec.ACTIVE_TEST, 9}
    vectors = _vectors(data)
    assert len(vectors) == 36
    for one in vectors:
        frame = bytes.fromhex(one["hex"])
        if one["framed"]:
            whole = cut(frame, "3.0")
            assert whole is not None
            assert whole.raw == frame
            assert whole.command & ~codec.ANSWER in commands
            continue
        for read in (codec.connect_answer, codec.submit_answer, cmpp.deliver):
            try:
                read(frame)
            except (MalformedError, UnsupportedError):
                continue
