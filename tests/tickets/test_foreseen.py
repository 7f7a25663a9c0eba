"""What is personal in a message is found where it is understood, and the desk takes it over only for what it is."""

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import pytest
from msgspec.structs import replace

from hotline.quality.evaluate.labelled import rows
from normalizers.pii.cache import Remembered, digest_of
from normalizers.pii.detect import by_rules
from normalizers.rules import DEFAULT_RULES, Rules
from schemas import topics
from schemas.codec import decode, encode
from schemas.records import Event, Message, Ticket
from schemas.records.message import Foreseen
from tests.rows import each_row
from tests.tickets.asked import Asked
from tests.tickets.build import position
from tests.tickets.said import said
from tickets.masking import mask
from tickets.masking.fingerprint import grounds
from tickets.masking.precompute import MOST, foreseen
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.state import State

DIGEST = 8
"""Numbers that the digest of a text takes."""

TITLE = "锦绣华庭3号楼2单元501的王喆反映漏水"
TEXT = "我叫王喆，电话13800138000，住锦绣华庭3号楼2单元501，邻居李秀珍家漏水，请派人来看。"


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Return what the desk looks through by itself."""
    found = Asked()
    monkeypatch.setattr(mask, "_remembered", Remembered(found.find))
    return found


def written(message: Message) -> list[bytes]:
    """Return what a desk that remembers nothing writes about a message which came through a topic."""
    mask._remembered = Remembered(mask._remembered._find)
    desk = Desk(State(TicketPolicy()))
    assert isinstance(desk.take(decode(encode(message), Message), position(0)), Event)
    return [one.value for one in desk.flush()]


def masked(message: Message) -> Ticket:
    mask._remembered = Remembered(mask._remembered._find)
    desk = Desk(State(TicketPolicy()))
    desk.take(message, position(0))
    return next(decode(one.value, Ticket) for one in desk.flush() if one.topic == topics.TICKET_MASKED)


def readable(ticket: Ticket) -> list[str]:
    """Return what may stand nowhere in a masked ticket, and does."""
    shown = f"{ticket.title}{ticket.text}{ticket.search_text}{ticket.location}"
    return [word for word in ("王喆", "13800138000", "李秀珍", "501") if word in shown]


def with_found(message: Message, found: dict[str, tuple[int, ...]]) -> Message:
    return replace(message, foreseen=Foreseen(grounds=grounds(), found=found))


@pytest.mark.parametrize("title", ["", TITLE, "建议延长12路公交车的运营时间" * 10])
def test_the_desk_looks_through_nothing_that_was_looked_through(asked: Asked, title: str) -> None:
    message = said(1, title, TEXT)
    records = written(foreseen(message, DEFAULT_RULES))
    assert asked.texts == []
    assert records == written(message)
    assert asked.texts


def test_a_place_that_the_message_names_is_looked_through_as_a_place(asked: Asked) -> None:
    message = said(1, "路灯不亮", TEXT, place="锦绣华庭李秀珍家门口")
    assert masked(foreseen(message, DEFAULT_RULES)).location is not None
    assert asked.texts == []


def test_each_told_list_is_masked_the_same_with_and_without(asked: Asked) -> None:
    texts = [row["text"] for row in rows(Path(__file__).parent / "personal_told.tsv")]
    for number, text in enumerate(texts):
        message = said(number, "", text)
        assert written(foreseen(message, DEFAULT_RULES)) == written(message), text
    assert len(texts) > 280


def test_what_other_grounds_found_is_found_anew() -> None:
    message = foreseen(said(1, TITLE, TEXT), DEFAULT_RULES)
    assert isinstance(message.foreseen, Foreseen)
    nothing = {name: (*numbers[:DIGEST], 1) for name, numbers in message.foreseen.found.items()}
    assert readable(masked(with_found(message, nothing)))  # the same grounds are believed
    assert readable(masked(replace(message, foreseen=Foreseen(grounds="0" * 64, found=nothing)))) == []


def test_what_was_found_in_another_text_is_not_believed(asked: Asked) -> None:
    other = foreseen(said(1, "路灯不亮", "中山路的路灯三天不亮了。"), DEFAULT_RULES)
    assert readable(masked(replace(said(2, TITLE, TEXT), foreseen=other.foreseen))) == []
    assert asked.texts


@each_row("ends", [(), (1, 4), (1, -1, 4), (1, 0, 1 << 40)])
def test_what_is_no_spans_or_no_digest_is_found_anew(ends: tuple[int, ...]) -> None:
    message = foreseen(said(1, TITLE, TEXT), DEFAULT_RULES)
    assert isinstance(message.foreseen, Foreseen)
    told = {name: (*numbers[:DIGEST], *ends) for name, numbers in message.foreseen.found.items()}
    assert readable(masked(with_found(message, told))) == []
    assert readable(masked(with_found(message, {"no digest": (0, 1), "none": ()}))) == []


def test_what_an_earlier_version_found_under_digests_as_names_is_found_anew() -> None:
    message, digest = said(1, TITLE, TEXT), digest_of(TEXT).hex()
    for ends in ((1,), (1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)):
        assert readable(masked(with_found(message, {digest: ends}))) == []


def test_no_message_brings_names_of_its_own() -> None:
    """A parser of JSON that keeps the names it has seen (Elasticsearch's) takes time for each new one."""
    messages = [foreseen(said(number, f"{TITLE}{number}", f"{TEXT}{number}"), DEFAULT_RULES) for number in range(3)]
    names = [tuple(one.foreseen.found) for one in messages if isinstance(one.foreseen, Foreseen)]
    assert names == [("0", "1", "2")] * 3


def test_a_text_that_a_further_message_makes_longer_is_looked_through(asked: Asked) -> None:
    desk = Desk(State(TicketPolicy()))
    for number, text in enumerate((TEXT, f"{TEXT}补充一下：物业的赵国强说不管，电话13911112222。")):
        desk.take(foreseen(said(number, "", text, sender="13800138001"), DEFAULT_RULES), position(number))
    tickets = [decode(one.value, Ticket) for one in desk.flush() if one.topic == topics.TICKET_MASKED]
    assert len(tickets) == 1
    assert readable(tickets[0]) == []
    assert "赵国强" not in encode(tickets[0]).decode()
    assert len(asked.texts) > 0


def test_machines_and_texts_full_of_numbers_go_without() -> None:
    message = said(1, "", TEXT)
    assert foreseen(replace(message, message_class="bounce"), DEFAULT_RULES).foreseen is message.foreseen
    assert foreseen(said(2, "", "电话13800138000；" * MOST), DEFAULT_RULES).foreseen is message.foreseen


def test_other_rules_are_other_grounds(tmp_path: Path) -> None:
    own = resources.files("normalizers.rules").joinpath("names.toml").read_text("utf-8")
    (tmp_path / "names.toml").write_text(own.replace("words = ", "# our own\nwords = ", 1), "utf-8")
    assert grounds(Rules.load(tmp_path)) == grounds()
    changed = tmp_path / "changed"
    changed.mkdir()
    (changed / "names.toml").write_text(own.replace('"""', '"""\n徐徐 ', 1), "utf-8")
    assert grounds(Rules.load(changed)) != grounds()


def test_of_a_citys_rules_only_those_of_names_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for file in Path(str(resources.files("normalizers.rules"))).glob("*.t*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    read: set[str] = set()
    there = Rules._file

    def noted(rules: Rules, name: str) -> Traversable:
        if rules.folder == tmp_path:
            read.add(name)
        return there(rules, name)

    monkeypatch.setattr(Rules, "_file", noted)
    list(by_rules(f"{TITLE}\n{TEXT}", Rules.load(tmp_path)))
    assert read == {"names.toml"}, "add to tickets/masking/fingerprint.py what finding rests on now"
