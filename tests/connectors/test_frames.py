"""Frames are found again after a cut or a flipped bit anywhere."""

from hypothesis import given
from hypothesis import strategies as st

from connectors.publish.segment import HEADER_BYTES, Kind, Piece, frame, pieces

MARKER = b"\x00marker\xff"
PAYLOADS = st.lists(st.binary(max_size=40), max_size=5)


def written(payloads: list[bytes]) -> bytes:
    return b"".join(frame(MARKER, payload) for payload in payloads)


def records(found: list[Piece]) -> list[bytes]:
    return [piece.data for piece in found if piece.kind is Kind.RECORD]


@given(PAYLOADS)
def test_what_was_framed_is_read_back(payloads: list[bytes]) -> None:
    found = list(pieces(MARKER, written(payloads)))
    assert records(found) == payloads
    assert len(found) == len(payloads)


@given(PAYLOADS.filter(bool))
def test_a_file_that_is_cut_at_any_byte_keeps_every_whole_record(payloads: list[bytes]) -> None:
    whole = written(payloads)
    ends = [len(written(payloads[:count])) for count in range(len(payloads) + 1)]
    for cut in range(len(whole)):
        found = list(pieces(MARKER, whole[:cut]))
        kept = sum(end <= cut for end in ends) - 1
        assert records(found) == payloads[:kept]
        torn = [piece.data for piece in found[kept:]]
        assert torn == ([whole[ends[kept] : cut]] if cut > ends[kept] else [])
        assert all(piece.kind is Kind.TORN for piece in found[kept:])


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=4), st.data())
def test_a_flipped_bit_costs_one_record_and_nothing_is_left_out(payloads: list[bytes], data: st.DataObject) -> None:
    whole = bytearray(written(payloads))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= 1 << data.draw(st.integers(0, 7))
    found = list(pieces(MARKER, bytes(whole)))
    hit = next(index for index in range(len(payloads)) if at < len(written(payloads[: index + 1])))
    assert records(found) == payloads[:hit] + payloads[hit + 1 :]
    (damaged,) = [piece for piece in found if piece.kind is Kind.CORRUPT]
    assert damaged.data == bytes(whole)[len(written(payloads[:hit])) : len(written(payloads[: hit + 1]))]


@given(PAYLOADS, st.binary(max_size=60))
def test_pieces_cover_every_byte_of_anything(payloads: list[bytes], noise: bytes) -> None:
    whole = written(payloads) + noise + written(payloads)
    assert list(pieces(MARKER, whole))[-1:] == [] or list(pieces(MARKER, whole))[-1].end == len(whole)


def test_reading_can_begin_behind_what_is_done() -> None:
    first = len(frame(MARKER, b"one"))
    assert records(list(pieces(MARKER, written([b"one", b"two"]), first))) == [b"two"]


def test_a_text_that_looks_like_a_frame_of_another_file_is_no_record() -> None:
    forged = frame(b"another!", b"forged")
    whole = bytearray(frame(MARKER, forged))
    whole[HEADER_BYTES - 1] ^= 1
    assert [piece.kind for piece in pieces(MARKER, bytes(whole))] == [Kind.CORRUPT]
