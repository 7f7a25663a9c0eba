"""Features say which messages look alike and tell nothing of what they say."""

import hmac

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from normalizers.base import DEMO_KEY, Draft, File, Policy
from normalizers.enrich.codes import SURE_REPORT
from normalizers.parse.coordinates import located
from normalizers.similarity.features import _heading, features_of, text_grams
from normalizers.text.fold import fold
from schemas.records import Attachment, Features, Finding, Part, Party, Thread
from tests.rows import each_row

POLICY = Policy()
ROTATED = Policy(requester_keys={"k2": b"new", **POLICY.requester_keys})
TEXT = "幸福路12号门口的井盖坏了，晚上很危险，请尽快维修。电话13912345678"


def features(
    text: str = TEXT, policy: Policy = POLICY, *, files: tuple[Attachment, ...] = (), **draft: object
) -> Features:
    made = Draft(text=text, **draft)  # type: ignore[arg-type]  # the fields under test
    return features_of(made, fold(text), files, made.findings, policy)


def test_grams_are_stable_sorted_unique_and_32_bits() -> None:
    grams = features().grams
    assert grams == text_grams(fold(TEXT), POLICY)
    assert list(grams) == sorted(set(grams))
    assert all(0 <= gram < 2**32 for gram in grams)


def test_a_gram_is_the_beginning_of_an_aes_block_under_the_key() -> None:
    cipher = Cipher(algorithms.AES(hmac.digest(DEMO_KEY, b"grams.aes", "sha256")[:16]), modes.ECB())

    def gram(text: str) -> int:
        block = text.encode("utf-32-le").ljust(16, b"\0")
        return int.from_bytes(cipher.encryptor().update(block)[:4], "little")

    assert text_grams("井盖坏了", POLICY) == tuple(sorted(map(gram, ("井盖坏", "盖坏了"))))
    assert text_grams("井盖坏了", POLICY) == (378351237, 4214693558)  # what the event log holds already


def test_known_texts_tell_nothing_of_the_next_one() -> None:
    """Of sums of products, three grams that differ in one character told the factor of its place."""
    steps = {
        (text_grams(f"井盖{chr(at + 1)}", POLICY)[0] - text_grams(f"井盖{chr(at)}", POLICY)[0]) % 2**32
        for at in range(0x4E00, 0x4E40)
    }
    assert len(steps) == 64


@each_row(
    "number",
    [
        "13912345678",
        "139-1234-5678",
        "139 1234 5678",
        "一三九一二三四五六七八",
        "壹叁玖壹贰叁肆伍陆柒捌",
        "幺三九洞洞三四五六七八",
        "110101199003074477",
        "6222 0202 0011 2233",
        "139 - 1234 - 5678",
        "139……1234……5678",
        "一三九，嗯，一二三四那个五六七八",
        "❶❸❾❶❷❸❹❺❻❼❽",
    ],
)
def test_no_gram_of_a_long_number_is_kept(number: str) -> None:
    assert features(f"井盖坏了{number}请修").grams == features("井盖坏了请修").grams
    assert features(f"井盖坏了{number}请修").text_key != features("井盖坏了请修").text_key


def test_short_numbers_are_grams_as_words_are() -> None:
    assert features("12号楼1203室漏水").grams != features("15号楼1203室漏水").grams


def test_punctuation_blanks_and_width_change_neither_grams_nor_key() -> None:
    plain, odd = features("井盖坏了 请修Ａ1"), features("井盖，坏了！！\n請修 a１。")
    assert (plain.grams, plain.text_key) == (odd.grams, odd.text_key)


def test_repeated_text_repeats_no_gram() -> None:
    assert len(features("哈" * 50).grams) == 1


@each_row("text", ["", "。。！", "好", "好的"])
def test_short_texts_have_no_grams(text: str) -> None:
    assert features(text).grams == ()


def test_long_texts_keep_the_smallest_256() -> None:
    text = "".join(chr(0x4E00 + n) for n in range(2000))
    grams = features(text).grams
    assert len(grams) == 256
    assert grams == features(text, Policy(max_grams=5000)).grams[:256]


def test_the_hash_spreads_over_32_bits() -> None:
    text = "".join(chr(0x4E00 + n) for n in range(20_000))
    grams = text_grams(text, Policy(max_grams=100_000))
    assert len(grams) > 19_990
    assert 0.48 < sum(grams) / len(grams) / 2**32 < 0.52


LINE = "东湖花园小区三期电梯故障无人维修"
REST = "业主们打了很多电话，物业每次都说已经报修。现在老人上不了楼，希望有人来管"


@pytest.mark.parametrize("between", ["\n", "\r\n", " \n\n　"])
def test_a_first_line_stands_for_a_title(between: str) -> None:
    """An SMS has no other: the matter is looked for in it, as in the title of a mail."""
    titled = features_of(Draft(title=LINE, text=REST), fold(f"{LINE}\n{REST}"), (), (), Policy())
    headed = features(f"{LINE}{between}{REST}")
    assert (headed.names, headed.places, headed.objects) == (titled.names, titled.places, titled.objects)
    assert headed.objects != features(f"{LINE}，{REST}").objects or headed.names != features(f"{LINE}，{REST}").names


@each_row(
    "first",
    [
        "尊敬的市长：",
        "您好，我是东湖花园的业主",
        "领导同志",
        "东湖花园小区三期电梯故障，",
        "电梯",
        f"{LINE}。",
        LINE * 5,
    ],
)
def test_a_greeting_or_a_part_of_a_sentence_is_no_title(first: str) -> None:
    text = f"{first}\n{LINE}。{REST}"
    assert _heading(Draft(text=text), fold(text)) == ""


def test_nothing_said_is_no_key() -> None:
    assert features(" \n。").text_key is None
    photo = Attachment(id="1", sha256="ab" * 32)
    assert features("", files=(photo,)).text_key is not None
    assert features("", files=(Attachment(id="1"),)).text_key is None


def test_attachments_are_part_of_what_is_said() -> None:
    one, other = (features(files=(Attachment(id="1", sha256=digest * 32),)).text_key for digest in ("ab", "cd"))
    assert len({one, other, features().text_key}) == 3


def test_files_that_are_not_fetched_yet_are_told_apart_by_media_id_and_name() -> None:
    files = [
        Attachment(id="1", name="井盖.jpg"),
        Attachment(id="1", name="噪音投诉.pdf"),
        Attachment(id="media-a"),
        Attachment(id="media-b"),
    ]
    keys = [features("详见附件", files=(file,)).text_key for file in files]
    assert len({*keys, features("详见附件").text_key}) == 5
    again = Attachment(id="1", name="井盖.jpg", media_type="image/jpeg")
    assert features("详见附件", files=(again,)).text_key == keys[0]


def test_the_same_words_about_another_place_are_another_text() -> None:
    def key(place: str, longitude: str = "", latitude: str = "") -> str | None:
        return features("路灯坏了", findings=located(place, longitude, latitude, datum="gcj02")).text_key

    keys = {key("中山路"), key("青年大街"), key("中山路", "123.43", "41.80"), key("中山路", "123.43", "41.81")}
    assert len({*keys, features("路灯坏了").text_key}) == 5
    assert key("中山路", " 123.43", "41.80") in keys


def test_a_message_that_waits_for_its_files_is_found_by_them() -> None:
    waits = features_of(Draft(files=(File(media_id="m"),)), "", (), (), Policy(), own_id="first")
    brings = features_of(Draft(message_class="event", completes="first"), "", (), (), Policy(), own_id="second")
    assert waits.message_key is not None
    assert brings.completes == (waits.message_key,)
    assert features_of(Draft(completes="other"), "", (), (), Policy()).completes != brings.completes


@pytest.mark.parametrize(
    "file", [File(media_id="m", data=b"x"), File(media_id="m", dataref="p"), File(media_id="m", unavailable="expired")]
)
def test_a_message_whose_files_are_settled_waits_for_none(file: File) -> None:
    assert features_of(Draft(files=(file,)), "", (), (), Policy(), own_id="first").message_key is None


def test_another_key_gives_other_hashes() -> None:
    mine, other = features(), features(policy=Policy(requester_keys={"demo": b"other"}))
    assert mine.text_key != other.text_key
    assert set(mine.grams).isdisjoint(other.grams)


def test_threads_are_nearest_first_and_match_across_a_key_change() -> None:
    thread = Thread(message_id_header="<3@x>", references=("<1@x>", "<2@x>"))
    before = features(thread=Thread(message_id_header="<2@x>"))
    after = features(thread=thread, policy=ROTATED)
    assert after.threads.index(before.message_key or "") == 1
    assert len(after.threads) == 4
    assert after.message_key is not None
    assert after.message_key.startswith("k2:")


def test_participants_are_hashed_and_names_left_out() -> None:
    people = (Party(kind="email", value="b@x.cn", name="韩梅梅"), Party(kind="name", value="处长"))
    made = features(sender=Party(kind="email", value="a@x.cn"), recipients=people)
    assert len(made.participants) == len(made.requesters) == 1
    assert made.participants != made.requesters


def test_parts_of_one_message_share_a_key() -> None:
    first, second = (
        features(
            sender=Party(kind="phone", value="1"),
            part=Part(reference="7", total=2, number=n, format="ucs2", bytes=b"x"),
        )
        for n in (1, 2)
    )
    assert first.part_key == second.part_key is not None


def test_codes_come_from_fixed_lists_only() -> None:
    findings = (
        Finding(kind="emergency", value="fire"),
        Finding(kind="emergency_level", value="urgent"),
        Finding(kind="request_kind", value="complaint"),
        Finding(kind="place", value="李雷家"),
        Finding(kind="category", value="李雷", source="channel"),
        Finding(kind="category", value="transport.taxi"),
    )
    assert features(findings=findings).codes == (
        "category.transport.taxi", "emergency.fire", "emergency_level.urgent", "request_kind.complaint",
    )  # fmt: skip


def test_thanks_that_are_only_heard_are_no_praise_to_a_decision() -> None:
    """A closed ticket stays closed at mere thanks: that is for words that say so."""
    for source, codes in (("rule", ("request_kind.praise",)), ("model", ())):
        findings = (Finding(kind="request_kind", value="praise", score=0.99, source=source),)
        assert features("修好了，谢谢师傅", findings=findings).codes == codes


@pytest.mark.parametrize("source", ["rule", "channel"])
def test_thanks_beside_which_something_is_wanted_are_no_praise_to_a_decision(source: str) -> None:
    findings = (Finding(kind="request_kind", value="praise", source=source),)
    assert features("给你们点赞，三天了没人理", findings=findings).codes == ()


def test_a_report_that_is_only_heard_is_no_sure_one() -> None:
    for source, codes in (("rule", {SURE_REPORT, "request_kind.report"}), ("model", {"request_kind.report"})):
        findings = (Finding(kind="request_kind", value="report", score=0.99, source=source),)
        assert set(features(findings=findings).codes) == codes


def test_no_personal_text_is_in_the_features() -> None:
    made = features(
        "李雷住在幸福路12号，电话13912345678",
        sender=Party(kind="phone", value="13912345678", name="李雷"),
        recipients=(Party(kind="email", value="mei@example.cn", name="韩梅梅"),),
        thread=Thread(message_id_header="<lilei@example.cn>", references=("<mei@example.cn>",)),
        findings=(Finding(kind="place", value="幸福路12号"),),
    )
    told = msgspec.json.encode(made).decode()
    for secret in ("李雷", "13912345678", "幸福", "example", "mei", "韩梅梅"):
        assert secret not in told
