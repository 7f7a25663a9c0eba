"""Forms citizens write names, doors, plates, papers and accounts in, by the hundred, and ordinary texts beside them.

`hidden.tsv` has in each line a text and, parted by `|`, what of it must not be readable; `shown.txt` what must stay.
Both write the end of a line as `\\n`. docs/reference/quality.md tells how they came about and what is still readable.
"""

from pathlib import Path

from normalizers.text.fold import fold
from tests.rows import each_row
from tickets.masking.mask import mask_text

HERE = Path(__file__).parent
_ESCAPED = {"\\n": "\n", "\\t": "\t", "\\r": "\r", "\\\\": "\\"}


def _lines(name: str) -> list[str]:
    return (HERE / name).read_text("utf-8").splitlines()


def _plain(text: str) -> str:
    for escaped, plain in _ESCAPED.items():
        text = text.replace(escaped, plain)
    return text


HIDDEN = [line.split("\t") for line in _lines("hidden.tsv")[1:]]
SHOWN = _lines("shown.txt")


@each_row(("text", "secrets"), HIDDEN)
def test_what_names_or_reaches_a_person_is_hidden(text: str, secrets: str) -> None:
    masked = mask_text(_plain(text))
    for secret in map(_plain, secrets.split("|")):
        assert secret in _plain(text)
        assert secret not in masked


@each_row("text", SHOWN)
def test_ordinary_texts_stay_as_written_and_folded(text: str) -> None:
    assert mask_text(_plain(text)) == _plain(text)
    assert mask_text(fold(_plain(text))) == fold(_plain(text))
