"""A city's own names (`names.toml`): who bears one is hidden in masked tickets, and a broken list is told at once."""

from importlib import resources
from pathlib import Path

import pytest

from normalizers.findings import rulebooks
from schemas import topics
from schemas.errors import MisconfiguredError
from schemas.records import Ticket
from schemas.wire import decode
from tests.tickets.build import message, position
from tickets.desk import Desk
from tickets.masking import Known, mask_text
from tickets.policy import TicketPolicy
from tickets.state import State

SAID = "邻居妫小满半夜装修，我叫妫大路"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    ours = resources.files("normalizers.rules").joinpath("names.toml").read_text("utf-8")
    written = ours.replace("迟邝阎", "迟邝阎妫").replace("尤涂温", "尤涂温妫")
    assert written.count("妫") == 2
    (tmp_path / "names.toml").write_text(written, encoding="utf-8")
    return tmp_path


def test_a_citys_own_surnames_are_hidden_in_its_masked_tickets(own: Path) -> None:
    assert "妫小满" in mask_text(SAID)
    assert "妫" not in mask_text(SAID, Known(rules_folder=own))
    desk = Desk(State(TicketPolicy(rules_folder=own)))
    desk.take(message(1, SAID), position(1))
    (masked,) = (decode(out.value, Ticket) for out in desk.flush() if out.topic == topics.TICKET_MASKED)
    assert "妫" not in masked.text
    assert "妫" not in masked.search_text


@pytest.mark.parametrize("written", ["", 'common_surnames = "王"', "third_persons = 3", "cues = ["])
def test_a_list_that_cannot_be_used_is_refused(written: str, tmp_path: Path) -> None:
    (tmp_path / "names.toml").write_text(written, encoding="utf-8")
    with pytest.raises(MisconfiguredError, match=r"names\.toml"):
        rulebooks.verify(tmp_path)


def test_a_cue_of_a_kind_that_nobody_knows_is_refused(own: Path) -> None:
    file = own / "names.toml"
    file.write_text(file.read_text("utf-8").replace("\n[cues]\n", '\n[cues]\nhums = "哼着"\n'), encoding="utf-8")
    with pytest.raises(MisconfiguredError, match="hums"):
        rulebooks.verify(own)
