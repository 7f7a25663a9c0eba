"""Tokens: made by us, found where people send them back, and believed only with our signature."""

from types import MappingProxyType

import pytest

from normalizers.base import Draft, Policy
from normalizers.parse import ticket_tokens
from normalizers.text.fold import fold
from schemas.records import Party, Thread
from tests.rows import each_row

TICKET = "210100-j4q2ogp2xitx2mcxomsa"
OLD = Policy(requester_keys=MappingProxyType({"k1": b"first key, long enough for HMAC"}))
NEW = Policy(requester_keys=MappingProxyType({"k2": b"second key, long enough for HMAC", **OLD.requester_keys}))
TOKEN = ticket_tokens.make(TICKET, OLD)


@each_row(
    "draft",
    [
        Draft(title=f"Re: [{TOKEN}] 路灯还没有修好"),
        Draft(title=f"回复：【{TOKEN.upper()}】"),
        Draft(text=f"工单{TOKEN}，还是没人来"),
        Draft(text="谢谢", recipients=(Party(kind="email", value=f"mayor+{TOKEN}@city.example"),)),
        Draft(text=f"{TOKEN.replace('-', '－')} 再催一下"),
    ],
    ids=["subject", "upper case", "text", "address tag", "full width"],
)
def test_a_token_is_found_wherever_people_send_it_back(draft: Draft) -> None:
    found = ticket_tokens.named(draft, OLD)
    assert (found.ticket_id, found.claimed, found.token) == (TICKET, None, TOKEN)


def test_a_new_key_signs_the_next_and_still_opens_the_older_ones() -> None:
    assert ticket_tokens.named(Draft(text=TOKEN), NEW).ticket_id == TICKET
    assert ticket_tokens.make(TICKET, NEW).split(".")[1] == "k2"
    assert ticket_tokens.named(Draft(text=ticket_tokens.make(TICKET, NEW)), OLD).ticket_id is None


@pytest.mark.parametrize(
    "forged",
    [
        TOKEN[:-1] + ("b" if TOKEN[-1] == "a" else "a"),
        TOKEN.replace("j4q2", "k4q2"),
        TOKEN.replace(".k1.", ".k9."),
    ],
    ids=["another signature", "another ticket", "an unknown key"],
)
def test_what_we_did_not_sign_is_only_a_claim(forged: str) -> None:
    found = ticket_tokens.named(Draft(text=forged), OLD)
    assert found.ticket_id is None
    assert found.claimed == forged.split(".", 1)[0]


def test_a_signed_token_counts_before_a_forged_one() -> None:
    forged = TOKEN.replace("j4q2", "k4q2")
    assert ticket_tokens.named(Draft(text=f"{forged} {TOKEN}"), OLD).ticket_id == TICKET


def test_of_two_receipts_that_a_mail_refers_to_the_nearest_is_the_one_it_answers() -> None:
    older = ticket_tokens.make("210100-k4q2ogp2xitx2mcxomsa", OLD)
    references = ("first@mail.example", f"{older}.receipt@city.example", f"{TOKEN}.receipt@city.example")
    found = ticket_tokens.named(Draft(text="谢谢", thread=Thread(references=references)), OLD)
    assert (found.ticket_id, found.further) == (TICKET, ("210100-k4q2ogp2xitx2mcxomsa",))


def test_every_ticket_that_a_signed_token_names_is_told_once_and_few_of_a_list() -> None:
    others = [f"210100-{letter * 20}" for letter in "abcdefgh"]
    forged = TOKEN.replace("j4q2", "k4q2")
    said = " ".join((TOKEN, forged, TOKEN, *(ticket_tokens.make(other, OLD) for other in others)))
    found = ticket_tokens.named(Draft(text=said), OLD)
    assert (found.ticket_id, found.further) == (TICKET, tuple(others[: ticket_tokens.MOST_NUMBERS - 1]))


def test_official_numbers_are_those_whose_check_digit_is_right() -> None:
    said = "工单210100-20261125-000001-9和210100-20261125-000001-8，电话0241-20261125-000001-9"
    assert ticket_tokens.named(Draft(text=said), OLD).numbers == ("210100-20261125-000001-9",)


@each_row(
    "written",
    [
        "210100 20261125 000001 9",
        "210100202611250000019",
        "210100—20261125—000001—9",
        "210100–20261125–000001–9",
        "210100−20261125−000001−9",
        "210100 - 20261125 - 000001 - 9",
        "210100-20261125-\n000001-9",
        "２１０１００－２０２６１１２５－０００００１－９",
    ],
)
def test_an_official_number_is_known_as_people_type_it(written: str) -> None:
    assert ticket_tokens.named(Draft(text=f"工单{written}怎么样了"), OLD).numbers == ("210100-20261125-000001-9",)
    assert ticket_tokens.without(fold(f"工单{written}怎么样了")) == "工单怎么样了"


@pytest.mark.parametrize("written", ["2101002026112500000191", "210100 20261125 000001 8", "订单2101002026112599999"])
def test_what_only_looks_like_one_is_an_order_s_number_and_stays(written: str) -> None:
    assert ticket_tokens.named(Draft(text=written), OLD).numbers == ()
    assert ticket_tokens.without(written) == written


def test_the_ticket_that_is_quoted_below_counts_where_the_writer_names_none() -> None:
    other, quoted = "210100-20261125-000002-7", f"> 工单编号210100-20261125-000001-9\n> {TOKEN}"
    below = ticket_tokens.named(Draft(text="不满意", quoted=quoted), OLD)
    assert (below.ticket_id, below.numbers) == (TICKET, ("210100-20261125-000001-9",))
    assert ticket_tokens.named(Draft(text=f"工单{other}呢", quoted=quoted), OLD) == ticket_tokens.Named(
        numbers=(other,)
    )


def test_a_text_without_any_names_nothing() -> None:
    assert (
        ticket_tokens.named(Draft(title="路灯", text="中山路12号的路灯坏了 024-12345678"), OLD) == ticket_tokens.Named()
    )
