"""Real PDUs and frames, read by path: modems' from gammu, a gateway's from gocmpp."""

import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from normalizers.base import Draft, Policy
from normalizers.sms import CMPP, GSM_PDU, cmpp, normalize
from schemas.errors import MalformedError, RecordError, UnsupportedError
from tests.normalizers.sms.raws import raw_of
from tests.rows import each_row

SHOWN = {
    "04": "O2: You now have your Text Anytime 300 UK texts",
    "08": "TEST -@@-",
    "10": "Tèätrc @ £.",
    "14": "Тест Test",
    "16": "123456",
    "27": "Espero que tenhas tido um Natal em grande",
    "37": "Helen's parents are down tomorrow.",
    "39": "llamada perdida de: +34617653167",
}
"""How the messages begin that gammu's own program shows."""

REPORTS = {"30", "32", "34", "36", "38"}


def _read(digits: bytes) -> Draft:
    return normalize(raw_of(digits, GSM_PDU), Policy())


def pdus(folder: Path) -> dict[str, bytes]:
    found = {}
    for file in sorted(folder.glob("*.dump")):
        lines = file.read_text("utf-8").splitlines()
        digits = [line.rstrip('"') for line in lines if len(line) > 20 and not line.startswith(("AT", "+", "OK"))]
        if digits:
            found[file.stem] = digits[0].encode()
    return found


def _encoded(data: Path) -> Iterator[tuple[str, Draft, str]]:
    """Yield what gammu wrote, and the whole text; a long one stands in the first message as far as it goes."""
    for file in sorted((data / "sms" / "gammu" / "at-sms-encode").glob("*.dump")):
        lines = file.with_suffix(".backup").read_text("utf-8").splitlines()
        texts = [line.split(" = ")[1] for line in lines if line.startswith("Text")]
        yield file.stem, _read(file.read_bytes()), bytes.fromhex("".join(texts)).decode("utf-16-be")


def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def test_every_message_that_gammu_encoded_is_read_back(data: Path) -> None:
    pairs = list(_encoded(data))
    assert len(pairs) == 193
    # š is not in the default alphabet: gammu wrote s
    assert [
        name for name, made, text in pairs if not _without_accents(text).startswith(_without_accents(made.text))
    ] == []
    short = [(name, made.text) for name, made, text in pairs if len(text) < 70 and len(made.text) != len(text)]
    assert short == []


def test_every_message_of_a_modem_is_understood(data: Path) -> None:
    drafts = {name: _read(digits) for name, digits in pdus(data / "sms" / "gammu" / "at-sms").items()}
    assert len(drafts) == 34
    assert {name: drafts[name].text[: len(text)] for name, text in SHOWN.items()} == SHOWN
    assert {name for name, draft in drafts.items() if draft.message_class == "event"} == REPORTS
    assert [name for name, draft in drafts.items() if draft.message_class == "person" and "\ufffd" in draft.text] == []


def test_a_pdu_is_read_as_digits_and_as_bytes_and_no_value_is_both(data: Path) -> None:
    for digits in pdus(data / "sms" / "gammu" / "at-sms").values():
        told = _read(digits)
        for written in (digits.lower(), b"\r\n" + digits + b"\r\n", bytes.fromhex(digits.decode())):
            assert _read(written) == told


@each_row(
    ("value", "said"),
    [
        (b"", "not a PDU"),
        (b"+CMT: ,24\r\n0791683108200105F0", "not a PDU"),
        (b"0791683108200105F", "odd number"),
        (b"\x0d\x91\x68", "not a PDU"),
    ],
)
def test_what_is_no_pdu_is_refused_with_a_reason(value: bytes, said: str) -> None:
    with pytest.raises(MalformedError, match=said):
        _read(value)


def test_a_piece_of_a_long_message_keeps_its_bytes(data: Path) -> None:
    draft = _read(pdus(data / "sms" / "gammu" / "at-sms")["22"])
    assert draft.part is not None
    assert (draft.part.reference, draft.part.total, draft.part.number, draft.part.format) == ("8-1", 2, 1, "gsm7")
    assert draft.text.startswith("Ahoj pavle")
    assert len(draft.part.bytes) == len(draft.text)


def test_settings_for_the_phone_are_a_file_and_no_words(data: Path) -> None:
    draft = _read(pdus(data / "sms" / "gammu" / "at-sms")["33"])
    assert draft.message_class == "unsupported"
    assert draft.text == ""
    assert draft.files[0].data is not None
    assert b"http://mmsc.labmctel.fr" in draft.files[0].data


def test_what_no_modem_may_send_is_read_or_refused_and_never_more(data: Path) -> None:
    found = pdus(data / "sms" / "gammu" / "at-sms-failing")
    assert len(found) >= 9
    refused = 0
    for digits in found.values():
        try:
            _read(digits)
        except RecordError:
            refused += 1
    assert refused >= 3


def _vectors(data: Path) -> list[dict[str, Any]]:
    lines = (data / "sms" / "vectors.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_the_delivers_of_a_foreign_gateway_are_understood(data: Path) -> None:
    frames = [bytes.fromhex(one["hex"]) for one in _vectors(data) if one["framed"] and one["cmd"] == "0x5"]
    assert len(frames) == 2
    for frame, version in zip(frames, (3, 2), strict=True):
        told = normalize(raw_of(frame, f"{CMPP}; version={version}.0"), Policy())
        guessed = normalize(raw_of(frame, CMPP), Policy())
        assert told == guessed
        assert (told.text, told.sender and told.sender.value) == ("This is a test MO.", "13412340000")
        assert [to.value for to in told.recipients] == ["900001"]
        with pytest.raises(MalformedError):
            cmpp.read(frame, 5 - version)


def test_every_other_frame_is_no_message_and_does_no_harm(data: Path) -> None:
    vectors = _vectors(data)
    assert len(vectors) == 36
    for one in vectors:
        frame = bytes.fromhex(one["hex"])
        if one["framed"] and one["cmd"] == "0x5":
            continue
        with pytest.raises((MalformedError, UnsupportedError)):
            normalize(raw_of(frame, CMPP), Policy())
