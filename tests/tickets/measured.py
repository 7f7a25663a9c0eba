"""What the masks hide of a list of texts in which all that must go is marked."""

import json
from pathlib import Path

from hotline.quality.evaluate.labelled import rows
from hotline.quality.evaluate.masks import measure

GOES_ON = "\n请尽快处理，谢谢。"
"""Each text goes on behind what it tells, which hides less than its end."""


def figures(file: Path, folder: Path) -> dict[str, float]:
    """Return the figures of a list by their names, 0 where there is none; a copy of it is left in `folder`."""
    told = [{**row, "text": f"{row['text']}{GOES_ON}"} for row in rows(file)]
    whole = folder / "whole.jsonl"
    whole.write_text("\n".join(json.dumps(row) for row in told), "utf-8")
    return {figure.name: figure.value or 0.0 for figure in measure(whole)}
