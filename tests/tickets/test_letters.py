"""Letters, SMS and chats as citizens write them: two incidents in the same words, and one told by two people.

`letters.tsv` and `letters_unseen.tsv` are our own pairs; of the second no row is looked at. A title ends with a bar.
Kinds: a two matters of one thing in a letter, b only one names a place (one person may well mean the same), c names
made of ordinary words, d one road or estate, two doors, e one form of letter, f two days.
"""

from pathlib import Path

import pytest

from tests.tickets.said import decided, said

ONE, OTHER = "13900000001", "13900000002"
NO_PLACE = "b"


def relation(first: str, second: str, *senders: str) -> str:
    """Return what an empty city makes of the second message."""
    told = [text.rpartition("｜") for text in (first, second)]
    messages = [said(n, title, text, sender=senders[n]) for n, (title, _, text) in enumerate(told)]
    return decided(messages)[1][1].relation


@pytest.mark.parametrize(
    ("name", "apart", "same"), [("letters.tsv", (5, 7), (3, 3)), ("letters_unseen.tsv", (5, 5), (4, 1))]
)
def test_letters_joined_and_filed(name: str, apart: tuple[int, int], same: tuple[int, int]) -> None:
    """The figures of docs/reference/quality.md: joined for two persons, filed in one ticket for one."""
    rows = [line.split("\t") for line in Path(__file__).with_name(name).read_text("utf-8").splitlines()]
    found = {"apart": [0, 0], "same": [0, 0]}
    for verdict, kind, first, second in rows:
        found[verdict][0] += relation(first, second, ONE, OTHER) == "same_matter_other_person"
        if (verdict, kind) != ("apart", NO_PLACE):
            found[verdict][1] += relation(first, second, ONE, ONE) == "same_person_same_matter"
    assert found["apart"][0] <= apart[0]
    assert found["apart"][1] <= apart[1]
    assert found["same"][0] >= same[0]
    assert found["same"][1] >= same[1]
