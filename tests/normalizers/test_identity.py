"""The same person is the same hash, however the number is written; nobody can be read from it."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalizers.base import Policy
from normalizers.parse.contacts import contacts_in, phone_number
from normalizers.similarity.requester import giver_of, requester_hashes
from schemas import ids
from schemas.ids import keyed_digest
from schemas.records import Party
from tests.rows import each_row

POLICY = Policy()
NOBODYS = (
    "00000000000", "0000", "+86 00000000000", "11111111111", "024-00000000", "8600000000000", "99999999",
    "123", "1234567", "12345678901", "12345", "024-12345", "+86 12345", "0086 24 12345", "110", "119", "12315",
    "10086", "95588", "0591-968123", "400-810-1234", "8001", "661234", "10690012345678", "106575020123",
)  # fmt: skip


@each_row(
    ("written", "number"),
    [
        ("13912345678", "+8613912345678"),
        ("+86 139-1234-5678", "+8613912345678"),
        ("008613912345678", "+8613912345678"),
        ("8613912345678", "+8613912345678"),
        ("１３９１２３４５６７８", "+8613912345678"),
        ("(+86)13912345678", "+8613912345678"),
        ("tel:+8613912345678", "+8613912345678"),
        ("086-13912345678", "+8613912345678"),
        ("013912345678", "+8613912345678"),
        ("0591-87654321", "+8659187654321"),
        ("(010) 6512 3456", "+861065123456"),
        ("+86 591 8765 4321", "+8659187654321"),
        ("0591-87654321-801", "+8659187654321"),
        ("0591-87654321转801", "+8659187654321"),
        ("17012345678转1234", "+8617012345678-1234"),
        ("+8617012345678-0088", "+8617012345678-0088"),
        ("17012345678,88", "+8617012345678-88"),
        ("87654321", "87654321"),
        ("010-65123456", "+861065123456"),
        ("+861065123456", "+861065123456"),
        ("+852 9123 4567", "+85291234567"),
        ("0044 20 7946 0958", "+442079460958"),
        ("+1 310 555 1234", "+13105551234"),
        ("0013105551234", "+13105551234"),
        ("tel:+1-310-555-1234", "+13105551234"),
        ("", None),
        ("张三", None),
        ("12", None),
        ("1" * 40, None),
        *((written, None) for written in NOBODYS),
        ("13888888888", "+8613888888888"),
        ("024-88888888", "+862488888888"),
        ("0591-95123456", "+8659195123456"),
    ],
)
def test_phone_numbers_have_one_spelling(written: str, number: str | None) -> None:
    assert phone_number(written) == number


def hashes(kind: str, value: str, policy: Policy = POLICY) -> tuple[str, ...]:
    return requester_hashes((Party(kind=kind, value=value),), policy)


def test_spellings_of_one_person_give_one_hash() -> None:
    assert hashes("phone", "+86 139 1234 5678") == hashes("phone", "13912345678")
    assert hashes("email", " Li.Lei@Example.CN ") == hashes("email", "li.lei@example.cn")


def test_ids_keep_their_case_and_kinds_do_not_meet() -> None:
    assert hashes("openid", "oAbc") != hashes("openid", "oabc")
    assert hashes("openid", "123") != hashes("uid", "123")


MEMBER, CITIZEN = "zhangsan", "oZfS86Ll3Xxa0Xn1hQeWQ5zPbT2k"


@pytest.mark.parametrize(("kind", "value"), [("uid", "1001"), ("openid", MEMBER)])
def test_an_id_is_one_persons_within_the_system_that_gave_it(kind: str, value: str) -> None:
    party = (Party(kind=kind, value=value),)
    givers = [requester_hashes(party, POLICY, giver) for giver in ("old", "new", "old", "")]
    assert givers[0] == givers[2]
    assert len(set(givers)) == 3


@pytest.mark.parametrize(("kind", "value"), [("phone", "13912345678"), ("email", "li@example.cn"), ("openid", CITIZEN)])
def test_what_is_one_persons_in_all_the_world_is_so_in_every_system(kind: str, value: str) -> None:
    party = (Party(kind=kind, value=value),)
    assert requester_hashes(party, POLICY, "old") == requester_hashes(party, POLICY, "new") == hashes(kind, value)


@each_row(
    ("source", "giver"),
    [
        ("/hotline/record/old", "a"),
        ("/hotline/wechat/corp", "a"),
        ("/hotline/weibo/city", ""),
        ("/hotline/web/app", ""),
        ("/hotline/weibonic/x", "a"),
    ],
)
def test_who_gives_ids(source: str, giver: str) -> None:
    assert giver_of(source, "a") == giver


@each_row(("kind", "value"), [("name", "李雷"), ("email", "nobody"), ("phone", "不详"), ("openid", " "), ("x", "y")])
def test_what_identifies_nobody_has_no_hash(kind: str, value: str) -> None:
    assert hashes(kind, value) == ()


@each_row(
    "address",
    [
        "noreply@city.gov.example", "No-Reply@city.gov.example", "do_not_reply@b.cn", "city-donotreply@b.cn",
        "noreply2@b.cn", "no.reply+77@b.cn", "请勿回复@b.cn", "www-data@web1.b.cn", "nobody@b.cn", "Mailer-Daemon@b.cn",
        "wang@localhost", "wang@site.invalid",
    ],
)  # fmt: skip
def test_an_address_that_sends_for_anybody_has_no_hash(address: str) -> None:
    assert hashes("email", address) == ()


@each_row("address", ["norepley@b.cn", "noreen@b.cn", "nobody.wang@b.cn", "no@b.cn", "admin@b.cn"])
def test_an_address_of_somebody_has_one(address: str) -> None:
    assert len(hashes("email", address)) == 1


@each_row("number", NOBODYS)
def test_a_number_that_is_nobodys_own_has_no_hash(number: str) -> None:
    assert hashes("phone", number) == ()


@each_row("kind", ["uid", "openid"])
@each_row("value", ["0", "000", "11111111111", "12345", "-", "null", "Anonymous", "匿名用户", "游客", "无"])
def test_an_id_that_stands_for_anybody_has_no_hash(kind: str, value: str) -> None:
    assert hashes(kind, value) == ()


@each_row("value", ["7", "A00074795", "88", "1234", "oAAAAb"])
def test_an_id_of_somebody_has_one(value: str) -> None:
    assert len(hashes("uid", value)) == 1


def test_nobody_has_no_hash() -> None:
    assert requester_hashes((None,), POLICY) == ()


def test_a_hash_names_its_key_and_holds_nothing_else() -> None:
    (made,) = hashes("phone", "13912345678")
    assert made == "demo:u4eus4pb5smql3a4"
    assert hashes("phone", "13912345678", Policy(requester_keys={"demo": b"another"})) != (made,)


def test_after_a_key_change_old_hashes_still_match() -> None:
    rotated = Policy(requester_keys={"k2": b"new", **POLICY.requester_keys})
    new, old = hashes("phone", "13912345678", rotated)
    assert new.startswith("k2:")
    assert (old,) == hashes("phone", "13912345678")


@pytest.mark.parametrize("value", ["\ud800@x.cn", "o\x00\ud800"])
def test_broken_strings_are_hashed_all_the_same(value: str) -> None:
    assert len(hashes("openid", value)) == 1


@given(st.binary(max_size=200), st.binary(max_size=300))
def test_the_keyed_digest_is_hmac(key: bytes, data: bytes) -> None:
    assert keyed_digest(key, data) == hmac.digest(key, data, "sha256")


@given(st.binary(min_size=32, max_size=32), st.integers(1, 25))
def test_base32_is_that_of_the_standard(data: bytes, pairs: int) -> None:
    assert ids.b32_text(data, 2 * pairs) == base64.b32encode(data).decode().lower()[: 2 * pairs]


def test_a_message_id_is_the_beginning_of_the_long_one() -> None:
    digest = hashlib.sha256("/hotline/web/a\n井".encode()).digest()
    long = base64.b32encode(digest).decode().rstrip("=").lower()
    assert ids.b32("/hotline/web/a", "井") == long
    assert ids.message_id("/hotline/web/a", "井") == long[:26]


@each_row(
    ("text", "values"),
    [
        ("电话13800138000，或王@city.example", ("13800138000",)),
        ("请回复 li.si+12345@mail.example 谢谢", ("li.si+12345@mail.example",)),
        ("+86 13800138000", ("13800138000",)),
        ("call me at +13105551234", ()),
        ("身份证110101199003078515，工单20261125000001", ()),
        ("138*0138000", ()),
        (" ".join(f"1380013800{n}" for n in range(6)), ()),
    ],
)
def test_contact_details_in_a_text(text: str, values: tuple[str, ...]) -> None:
    assert tuple(party.value for party in contacts_in(text)) == values
