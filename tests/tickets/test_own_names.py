"""A city's own names (`names.toml`): who bears one is hidden in masked tickets, and a broken list is told at once."""

from importlib import resources
from pathlib import Path

import pytest
from msgspec import json
from msgspec.structs import replace

from hotline.admin.audit import run_of
from hotline.config.settings import Settings
from hotline.trial.inputs import Input
from hotline.trial.raw import raw_of
from normalizers import rulebooks
from normalizers.base import Policy
from normalizers.pipeline import normalize
from normalizers.rules import Rules
from schemas import topics
from schemas.codec import decode
from schemas.errors import MisconfiguredError
from schemas.records import Audit, Ticket, event
from schemas.records.ticket import Location, Requester
from tests.tickets.build import message, position
from tests.tickets.commands.orders import Office, refusal
from tickets.erasure.blackout import redacted, still_redacted
from tickets.masking.mask import Known, known_of, mask_text
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.state import State

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
    assert "妫" not in mask_text(SAID, Known(rules=Rules.load(own)))
    desk = Desk(State(TicketPolicy(rules=Rules.load(own))))
    desk.take(message(1, SAID), position(1))
    (masked,) = (decode(out.value, Ticket) for out in desk.flush() if out.topic == topics.TICKET_MASKED)
    assert "妫" not in masked.text
    assert "妫" not in masked.search_text


@pytest.mark.parametrize(
    ("before", "after", "said", "shown"),
    [
        ("热心市民 微信", "热心市民 热心街坊 微信", "热心街坊说路灯坏了", "热心街坊说路灯坏了"),
        ("撤回 邀请", "撤回 邀请 点赞", "“汤嘉会”点赞了通知", "“＊＊＊”点赞了通知"),
        ("病历 病例", "病历 病例 粮票", "附件汤嘉会粮票.jpg", "附件＊＊＊粮票.jpg"),
        ("沟寨坪", "沟寨坪疃", "家住西疃112号", "家住西疃＊＊＊＊"),
        ("租住 我住", "租住 俺屋 我住", "俺屋在西庄12号", "俺屋在西庄＊＊＊"),
        ("小灵通 传真", "小灵通 集团网 传真", "集团网86634412，", "集团网＊＊＊＊＊＊＊＊，"),
        ('near = "电话', 'near = "呼机 电话', "呼机上写的是1380013800，", "呼机上写的是＊＊＊＊＊＊＊＊＊＊，"),
        ("条形 条", "条形 灯柱 条", "灯柱6222021234567891，", "灯柱6222021234567891，"),
        ("微信 查询码", "微信 集团网 查询码", "我的集团网8663", "我的集团网＊＊＊＊"),
        ("话是 机是", "话是 网是 机是", "我的集团网是八六六三", "我的集团网是＊＊＊＊"),
        ("买家 卖家", "买家 方太家 卖家", "3号方太家门口", "3号方太家门口"),
    ],
)
def test_what_a_city_says_stands_beside_names_counts(
    before: str, after: str, said: str, shown: str, tmp_path: Path
) -> None:
    ours = resources.files("normalizers.rules").joinpath("names.toml").read_text("utf-8")
    assert before in ours
    (tmp_path / "names.toml").write_text(ours.replace(before, after), encoding="utf-8")
    masked = []
    for folder in (None, tmp_path):
        sender = Requester(name="热心街坊")
        masked.append(mask_text(said, Known(known_of(sender, Rules.load(folder)), Rules.load(folder))))
    assert masked[1] == shown != masked[0]


def test_a_citys_own_surnames_are_hidden_in_the_reason_of_a_run(own: Path) -> None:
    settings = Settings.model_validate({"rules": {"folder": own}})
    assert "妫" not in (run_of(settings, SAID).reason or "")


@pytest.mark.parametrize("written", ["", 'common_surnames = "王"', "third_persons = 3", "cues = ["])
def test_a_list_that_cannot_be_used_is_refused(written: str, tmp_path: Path) -> None:
    (tmp_path / "names.toml").write_text(written, encoding="utf-8")
    with pytest.raises(MisconfiguredError, match=r"names\.toml"):
        rulebooks.verify(Rules.load(tmp_path))


def test_a_cue_of_a_kind_that_nobody_knows_is_refused(own: Path) -> None:
    file = own / "names.toml"
    file.write_text(file.read_text("utf-8").replace("\n[cues]\n", '\n[cues]\nhums = "哼着"\n'), encoding="utf-8")
    with pytest.raises(MisconfiguredError, match="hums"):
        rulebooks.verify(Rules.load(own))


def test_the_words_for_a_class_name_nobody_by_the_citys_own_names(own: Path) -> None:
    value = json.encode({"id": "1", "text": "路灯坏了", "category": "供热投诉妫小满"})
    raw = raw_of(Input(name="x.jsonl:1", channel="record", data=value), "210100")
    ours, citys = (normalize(raw, Policy(rules=Rules.load(folder))).message for folder in (None, own))
    assert "供热投诉妫小满" in {one.value for one in ours.findings}
    assert not any("妫" in one.value for one in citys.findings)
    assert citys.extra["category"] == "供热投诉妫小满"


def test_no_office_is_called_by_one_of_the_citys_own_names(own: Path) -> None:
    for folder, wanted in ((None, "illegal_transition"), (own, "arguments")):
        at_office = Office([message(1, "路灯坏了")], TicketPolicy(rules=Rules.load(folder)))
        decision = at_office.order("dispatch", at_office.tickets[0], organizer="O1", organizer_name="负责人妫小满")
        assert refusal(decision) == wanted


def test_one_of_them_in_the_words_that_are_blacked_out_goes_from_the_title_too(own: Path) -> None:
    at_office = Office([replace(message(1, SAID), title="投诉邻居妫小满")], TicketPolicy(rules=Rules.load(own)))
    (ticket,) = at_office.tickets
    at_office.order("redact", ticket, spans=[[0, SAID.index("，")]], if_version=1)
    assert at_office.ticket(ticket).title == "投诉邻居■■■"


def test_a_door_that_only_the_citys_own_words_tell_stays_black_in_what_is_said_later(own: Path) -> None:
    file, said = own / "names.toml", "俺搁7-3-5，路灯坏了"
    file.write_text(file.read_text("utf-8").replace('told_of = "', 'told_of = "俺搁 ', 1), encoding="utf-8")
    at_office = Office([message(1, said)], TicketPolicy(rules=Rules.load(own)))
    (ticket,) = at_office.tickets
    place = replace(at_office.ticket(ticket), location=Location(text="路灯", longitude=123.4, latitude=41.8))
    erased = redacted(place, event.Redacted(ticket_id=ticket, fields=(), spans=((2, 7),)), b"k" * 16, Rules.load(own))
    assert erased.location == Location(text="路灯")
    again = still_redacted(
        replace(erased, text=f"{erased.text}\n\n还没修，俺搁7－3－5住着"), b"k" * 16, Rules.load(own)
    )
    assert "3" not in again.text
    assert again.text.endswith("住着")


def test_a_reason_that_names_somebody_by_the_citys_own_cues_is_kept_out_of_the_audit_log(own: Path) -> None:
    file = own / "names.toml"
    file.write_text(file.read_text("utf-8").replace('"sender:", ', '"sender:", "tenant:", ', 1), encoding="utf-8")
    told = {}
    for folder in (None, own):
        at_office = Office([message(1, SAID)], TicketPolicy(rules=Rules.load(folder)))
        at_office.order("forget", at_office.tickets[0], reason="tenant:GuiXiaoman")
        (act,) = (decode(out.value, Audit) for out in at_office.desk.flush() if out.topic == topics.AUDIT)
        told[folder] = act.reason
    assert told == {None: "tenant:GuiXiaoman", own: None}
