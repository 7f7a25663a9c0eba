"""Nothing that leaves for a terminal or a file of lines moves a cursor or turns a line around."""

import io
import re
import unicodedata
from pathlib import Path

import msgspec

import hotline.cli
from hotline.output import json_line, readable
from hotline.terminal import Console
from tests.rows import each_row

HOSTILE = "a\x1b[31m\x07\x7f\x9b31m\x9d0;t\x9c\u202egnp\u2066x\u2069\u200f\u061c\u2028\u2029\ufeff\U000e0041z"
KEPT = ("\t", "\n")


def is_hidden(character: str) -> bool:
    kind, turns = unicodedata.category(character), unicodedata.bidirectional(character)
    return kind in ("Cc", "Zl", "Zp") or turns in ("LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


def everything() -> str:
    return "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)


def test_json_holds_no_control_or_bidi_character_and_loses_none() -> None:
    for text in (HOSTILE, everything()):
        line = json_line({"text": text})
        assert not [one for one in line.decode() if is_hidden(one)]
        assert msgspec.json.decode(line) == {"text": text}


def test_text_for_people_shows_them() -> None:
    assert not [one for one in readable(everything()) if is_hidden(one) and one not in KEPT]
    assert readable(HOSTILE).count("\N{REPLACEMENT CHARACTER}") == 15
    assert readable("热线 👨‍👩‍👧 e\u0301\n\tx") == "热线 👨‍👩‍👧 e\u0301\n\tx"


def test_a_console_shows_them_in_tables_as_well() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120)
    console.print(HOSTILE, style="red", markup=False)
    written = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())
    assert not [one for one in written if is_hidden(one) and one not in KEPT]


@each_row("file", sorted(Path(hotline.cli.__file__).parent.glob("*.py")), ids=lambda file: file.name)
def test_every_verb_writes_by_the_functions_that_escape(file: Path) -> None:
    source = file.read_text("utf-8")
    assert "from rich.console import Console" not in source
    allowed = 2 if file.name == "common.py" else 0
    assert len(re.findall(r"typer\.echo\(|(?<![.\w])print\(|click\.echo\(", source)) == allowed
