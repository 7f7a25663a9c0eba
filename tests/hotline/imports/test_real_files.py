"""Real exports of real systems, read in place; nothing of them is in this repository."""

from pathlib import Path

from hotline.importer.columns import columns_of
from tests.hotline.imports.reading import imported


def test_tickets_of_a_public_board_are_understood_without_a_mapping(data: Path) -> None:
    memory, totals = imported(data / "tickets")
    assert (totals.read, totals.published, totals.refusals) == (306, 306, 0)
    values = [raw.value.decode() for raw in memory.messages]
    assert all('"text":' in value and '"title":' in value for value in values)
    assert sum('"channel":"web"' in value for value in values) > 200
    years = {raw.envelope.time.year for raw in memory.messages}
    assert max(years) < 2022, "their own times, not that of the file"


def test_messages_of_a_competition_are_all_taken(data: Path) -> None:
    names = ("category_dev.jsonl", "duplicates_dev.jsonl")
    _, totals = imported(*(data / "messages" / name for name in names))
    assert (totals.read, totals.refusals) == (685 + 1733, 0)
    assert totals.known == 0


def test_a_gzipped_table_with_line_ends_in_its_cells(data: Path) -> None:
    file = data / "messages" / "category_train_segmented.tsv.gz"
    _, totals = imported(file, columns=columns_of(["seg=text"]))
    assert (totals.read, totals.refusals) == (8185, 0)
