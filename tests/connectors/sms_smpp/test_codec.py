"""PDUs: cut out of a stream however it came, read and built; another codec agrees."""

from random import Random

import pytest
import smpp34
from smpplib import exceptions

from connectors.sms_common.frames import Frame, Frames
from connectors.sms_smpp import codec
from connectors.sms_smpp.codec import SmppCodec
from schemas.errors import MalformedError, UnreachableError
from tests.connectors.sms_smpp.fixtures import settings
from tests.connectors.sms_smpp.smsc import header, message
from tests.rows import each_row

THEIRS = [each for each in vars(exceptions).values() if isinstance(each, type) and issubclass(each, Exception)]


def cut(stream: bytes, *sizes: int) -> list[Frame]:
    frames, found = Frames(SmppCodec(settings(1), "bind_transceiver")), []
    for size in sizes:
        frames.add(stream[:size])
        stream = stream[size:]
        while pdu := frames.next():
            found.append(pdu)
    return found


def test_a_stream_is_the_same_pdus_wherever_it_is_cut() -> None:
    sent = [message("路灯坏了", 1), header(codec.ENQUIRE_LINK, 2), message(b"x" * 254, 3)]
    stream = b"".join(sent)
    assert [pdu.raw for pdu in cut(stream, len(stream))] == sent
    for at in range(len(stream)):
        assert [pdu.raw for pdu in cut(stream, at, len(stream))] == sent
    dice = Random(1)
    sizes = [dice.randint(1, 9) for _ in stream]
    assert [(pdu.command, pdu.sequence) for pdu in cut(stream, *sizes)] == [(5, 1), (0x15, 2), (5, 3)]


@each_row("length", [0, 4, 15, codec.LARGEST + 1, 0x80000000, 0xFFFFFFFF])
def test_an_impossible_length_is_refused_at_once_and_nothing_is_kept_for_it(length: int) -> None:
    frames = Frames(SmppCodec(settings(1), "bind_transceiver"))
    frames.add(header(5, 1, 0, length))
    with pytest.raises(UnreachableError, match=str(length)):
        frames.next()


def test_the_largest_payload_of_the_protocol_fits() -> None:
    payload = smpp34.Tlv(smpp34.TLV_MESSAGE_PAYLOAD, b"\x8d\xef" * 32_767)
    raw = smpp34.DeliverSm("1" * 20, "2" * 20, b"", tlvs=[payload]).encode()
    assert [pdu.raw for pdu in cut(raw, len(raw))] == [raw]


@pytest.mark.parametrize("error", THEIRS, ids=lambda error: error.__name__)
def test_each_error_of_the_library_becomes_ours(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error("theirs")

    monkeypatch.setattr(codec.smpp, "parse_pdu", fail)
    with pytest.raises(MalformedError):
        codec.read(codec.parse(message()))


def test_whatever_is_cut_off_or_turned_over_is_read_or_malformed_and_never_more() -> None:
    whole = message(
        b"x" * 30, tlvs=[smpp34.Tlv(0x020C, b"\0\1"), smpp34.Tlv(0x0424, b"payload"), smpp34.Tlv(0x1400, b"")]
    )
    dice = Random(7)
    for _ in range(1500):
        bad = bytearray(whole[: dice.randint(16, len(whole))])
        for _ in range(dice.randint(0, 6)):
            bad[dice.randrange(16, len(bad)) if len(bad) > 16 else 0] = dice.randrange(256)
        bad[4:8] = b"\0\0\0\5"
        try:
            codec.read(codec.parse(bytes(bad)))
        except MalformedError:
            continue


def test_what_is_built_is_what_another_codec_reads() -> None:
    made = smpp34.decode(
        codec.build("submit_sm", 7, source_addr="12345", source_addr_npi=1, destination_addr="8613800138000",
                    dest_addr_ton=1, dest_addr_npi=1, esm_class=0x40, data_coding=8, registered_delivery=1,
                    short_message=b"\5\0\3\1\2\1\x8d\xef")
    )  # fmt: skip
    assert isinstance(made, smpp34.SubmitSm)
    assert (made.source_addr, made.destination_addr, made.sequence_number) == ("12345", "8613800138000", 7)
    assert (made.esm_class, made.data_coding, made.registered_delivery) == (0x40, 8, 1)
    assert made.short_message == b"\5\0\3\1\2\1\x8d\xef"
    answer = smpp34.decode(codec.build("deliver_sm_resp", 9, codec.THROTTLED))
    assert isinstance(answer, smpp34.RawPdu)
    assert (answer.command_id, answer.command_status, answer.sequence_number) == (0x80000005, 0x58, 9)


def test_a_status_is_named_as_a_providers_support_reads_it() -> None:
    assert codec.status_name(0x0E) == "0xe Invalid Password"
    assert codec.status_name(0x450) == "0x450 a status of its own"
