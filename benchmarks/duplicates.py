"""Duplicates of a labelled file, told as other channels bring them: without titles, without senders, from the end.

`python -m benchmarks.duplicates FILE [WAY ...]`: the rows of docs/reference/quality.md, all of them without a WAY.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from hotline.quality.evaluate.duplicates import look_alikes, measured
from hotline.quality.evaluate.labelled import Row, rows

SHOWN = (
    "bcubed_precision", "bcubed_recall", "bcubed_f1", "pair_precision", "pair_recall", "precision_of_all",
    "wrong_tickets", "hard_negative_error",
)  # fmt: skip


def _without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}


def _in_text(row: Row, between: str) -> Row:
    told = f"{row['title']}{between}{row['text']}" if row.get("title") else row["text"]
    return {**_without(row, "title"), "text": told}


WAYS: Mapping[str, Callable[[list[Row]], list[Row]]] = MappingProxyType(
    {
        "as_it_is": list,
        "no_senders": lambda found: [_without(row, "sender") for row in found],
        "first_sentence": lambda found: [_in_text(row, "。") for row in found],
        "first_line": lambda found: [_in_text(row, "\n") for row in found],
        "no_titles": lambda found: [_without(row, "title") for row in found],
        "from_the_end": lambda found: found[::-1],
    }
)


def main() -> None:
    """Print a line for each way."""
    path, asked = Path(sys.argv[1]), sys.argv[2:] or list(WAYS)
    found, apart = list(rows(path)), look_alikes(path)
    print(f"{'':16}" + "".join(f"{name.replace('hard_negative', 'look_alike'):>18}" for name in SHOWN))
    for way in asked:
        figures = {one.name: one.value for one in measured(WAYS[way](found), apart)}
        print(f"{way:16}" + "".join(f"{figures[name] or 0:>18}" for name in SHOWN), flush=True)


if __name__ == "__main__":
    main()
