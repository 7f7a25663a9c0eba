"""What was precompiled is what would be compiled, and nothing depends on the file."""

import marshal
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from normalizers.rules import precompiled
from normalizers.text.matcher import trie

PATTERNS = (
    ("三楼(?P<what>着火|冒烟)了(?:吗)?", 0),
    (r"(?i:a)(b)?(?(1)c|d)[^\u4e00-\u9fff]{2,}+", re.IGNORECASE),
    (r"(?<!不)(?=[一二三]|[\U00020000-\U0003ffff])\w+?$", re.MULTILINE | re.DOTALL),
    (r"(?x) a b # 注\n", 0),
)
CHANGED = ("三楼着火了(?:吗)?", 0)


@pytest.fixture(autouse=True)
def _own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    precompiled._read.cache_clear()
    yield
    precompiled._read.cache_clear()


def write() -> None:
    with precompiled.recorded() as results:
        made = [precompiled.pattern(*one) for one in PATTERNS]
        assert made == [re.compile(*one) for one in PATTERNS]
        trie(["着火", "着凉"])
    precompiled.write(results)
    precompiled._read.cache_clear()


def nothing(*_: object) -> object:
    raise AssertionError("something was compiled")


def test_a_pattern_that_is_read_is_the_one_that_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    write()
    monkeypatch.setattr(precompiled, "_compiled", nothing)
    for one in PATTERNS:
        found, plain = precompiled.pattern(*one), re.compile(*one)
        assert found == plain  # its code, too
        assert (found.flags, found.groups, dict(found.groupindex)) == (
            plain.flags,
            plain.groups,
            dict(plain.groupindex),
        )
        assert repr(found) == repr(plain)
    with pytest.raises(AssertionError, match="something was compiled"):
        precompiled.pattern(*CHANGED)


def test_a_trie_of_other_words_is_not_read() -> None:
    write()
    assert re.fullmatch(trie(["着凉", "着火"]), "着火")
    assert re.fullmatch(trie(["着凉"]), "着火") is None


@pytest.mark.parametrize("damage", ["none", "empty", "cut", "no marshal", "other build", "other version"])
def test_without_a_file_that_fits_all_is_compiled(damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write()
    file = precompiled.path()
    whole = file.read_bytes()
    match damage:
        case "none":
            file.unlink()
        case "other build":
            file.write_bytes(marshal.dumps((("3.11.0 of another", 0, 4), {})))
        case "other version":
            monkeypatch.setattr(precompiled, "KNOWN_VERSIONS", ())
        case _:
            file.write_bytes({"empty": b"", "cut": whole[:-20], "no marshal": b"PK\x03\x04"}[damage])
    precompiled._read.cache_clear()
    assert [precompiled.pattern(*one) for one in (*PATTERNS, CHANGED)] == [
        re.compile(*one) for one in (*PATTERNS, CHANGED)
    ]


def test_a_pattern_that_is_wrong_is_named_as_ever() -> None:
    with pytest.raises(re.error, match="unterminated"):
        precompiled.pattern("(?:着火")
