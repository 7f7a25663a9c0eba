"""Every target of the fuzzer, by hypothesis: its seeds, the seeds with pieces cut out and put in, and plain junk."""

import gzip
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.fuzz.table import TARGETS
from benchmarks.fuzz.target import JUNK, Target
from tests.rows import each_row

targets = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)

GZIP = gzip.compress(b'{"text":"a","id":"1"}\n' * 20, mtime=0)

EXAMPLES = 12
"""Of each target: `hotline bench fuzz` takes the time for many."""


def damaged(seeds: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """Return a seed with a piece of it replaced by junk, or by a piece of another seed."""
    seed, place = st.sampled_from(seeds), st.floats(0, 1)
    piece = st.binary(max_size=8) | st.sampled_from(JUNK) | st.builds(_piece, seed, place, place)
    return st.builds(_changed, seed, place, place, piece)


def _piece(seed: bytes, one: float, other: float) -> bytes:
    return seed[int(min(one, other) * len(seed)) : int(max(one, other) * len(seed))]


def _changed(seed: bytes, one: float, other: float, piece: bytes) -> bytes:
    first, last = int(min(one, other) * len(seed)), int(max(one, other) * len(seed))
    return seed[:1] + seed[1 : max(1, first)] + piece + seed[max(1, last) :]


@targets
def test_what_is_understood_keeps_to_the_rules(target: Target) -> None:
    for seed in target.seeds:
        target.check(seed)


@targets
def test_so_does_what_is_damaged(target: Target) -> None:
    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(damaged(target.seeds))
    def check(data: bytes) -> None:
        target.check(data)

    check()


@targets
def test_junk_alone_is_told_from_sense(target: Target) -> None:
    for junk in JUNK:
        target.check(target.seeds[-1][:1] + junk)


FOUND: dict[str, tuple[str, bytes]] = {
    "a gzip that breaks off inside": ("imports", b"\x08" + GZIP[:30] + b"\xff" + GZIP[31:]),
    "a content type beyond Latin-1": ("content_type", "\x02multipart/form-data; boundary=\ufffd\n--b".encode()),
    "a record of ours that nests without end": ("records", b'{"args":' + b"[" * 3000),
    "a record of ours that is no UTF-8": ("records", b'{"command_id":"\xff"}'),
    "a journal's frame that is no UTF-8": ("journal", b"\x01\x82\xa8envelope\x81\xa2id\xa1\xff"),
    "more replays than a number has digits": ("kafka", b"hotline.error.replay.count:" + b"9" * 5000 + b"\n\n{}"),
    "a type that is no text": ("kafka", b"ce_type:\xff\n\n{}"),
    "an array of gateways' messages without end": ("sms_door", b"\x01" + b"[" * 3000),
    "half an emoji in what names a push": ("weibo_door", b'\x00{"type":"text","sender_id":1,"text":"\\ud83d"}'),
    "half an emoji in a call's id": ("phone_door", b'{"call_id":"\\ud800\\u0000","caller":"1"}'),
    "marks in a row without end": ("record", b'{"text":"a' + "\u0301\u0323\u0f73".encode() * 2000 + b'"}'),
    "an errcode that is no number": ("wechat_answers", b'\x00{"errcode":"x"}'),
    "an errcode that is null": ("wechat_answers", b'\x00{"errcode":null}'),
    "a token that lasts for ever": ("wechat_answers", b'\x00{"access_token":"a","expires_in":100000000000000000}'),
    "an answer of the platform that nests without end": ("wechat_answers", b'\x01{"a":' + b"[" * 3000),
    "a token of Weibo's that ends in no year": ("weibo_account", b'\x00{"expire_in":-' + b"9" * 30 + b"}"),
    "a bracket that nobody closes": ("lmtp", b"LHLO a\r\nMAIL FROM:<a@b.cn>\r\nRCPT TO:<a@\r\nNOOP"),
    "seconds behind a control character": ("answers", b"\x01\x1d2"),
    "half an emoji in a labelled line": ("labelled", b'\x00{"text":"\\ud800"}'),
    "labelled lines that are packed wrongly": ("labelled", b"\x04" + GZIP[:30] + b"\xff" + GZIP[31:]),
    "a command that nests without end": ("commands_door", b'{"args":{"a":' + b"[" * 3000),
}
"""What was found once, by what was wrong: the target, and the bytes."""


@each_row("name", FOUND)
def test_what_was_found_once_is_not_found_again(name: str) -> None:
    target, data = FOUND[name]
    TARGETS[target].check(data)


def test_a_target_can_fail() -> None:
    def refuses(data: bytes) -> None:
        if b"\x00" in data:
            raise KeyError

    check: Callable[[Target], None] = test_junk_alone_is_told_from_sense
    with pytest.raises(KeyError):
        check(Target(refuses, (b"seed",)))
