"""What holds for any bytes, and for any mail that the standard library writes."""

from collections.abc import Callable
from email.message import EmailMessage
from email.mime.text import MIMEText

from hypothesis import given, settings
from hypothesis import strategies as st

from normalizers.base import Draft
from normalizers.mail.quotes import split
from normalizers.text.quote_patterns import rulebook
from schemas.errors import RecordError

CHINESE = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=40)
FRAGMENTS = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from([
            b"\n", b"\n\n", b"\r\n", b"--b\n", b"--b--\n", b"Content-Type: multipart/mixed; boundary=b\n", b"From: ",
            b"Content-Type: text/html; charset=gbk\n", b"Content-Transfer-Encoding: base64\n", b"=?gbk?B?", b"?=",
            b"Content-Type: message/rfc822\n", b"filename*0*=utf-8''%E4", b"Subject: ", b"begin 644 a\n", b"end\n",
            b"<blockquote type=cite>", b"<div>", b"References: <a@b> <", b"-- \n", b"> ", b"<", b">",
            b"Date: Mon, 2 Mar 2026 10:00:00 +0800\n",
        ]),
    ),
    max_size=30,
)  # fmt: skip


@given(st.one_of(st.binary(max_size=400), FRAGMENTS.map(b"".join)))
@settings(max_examples=400)
def test_any_bytes_give_a_draft_or_a_record_error(draft: Callable[[bytes], Draft], data: bytes) -> None:
    try:
        made = draft(data)
    except RecordError:
        return
    assert made.message_class in {"person", "auto_reply", "bounce", "list", "calendar"}
    "".join([made.text, made.title or "", made.quoted or "", made.signature or ""]).encode("utf-8")
    assert all(file.data is not None for file in made.files)
    assert all(file.name is None or not set("/\\\x00") & set(file.name) for file in made.files)


@given(
    title=CHINESE,
    name=CHINESE,
    text=CHINESE,
    file_name=CHINESE,
    data=st.binary(max_size=200),
    charset=st.sampled_from(["utf-8", "gb18030", "gbk"]),
)
@settings(max_examples=150)
def test_a_written_mail_is_read_back(
    draft: Callable[[bytes], Draft], title: str, name: str, text: str, file_name: str, data: bytes, charset: str
) -> None:
    mail = EmailMessage()
    mail["Subject"] = title
    mail["From"] = f"{name} <someone@mail.example.cn>"
    mail.set_content(text, charset=charset)
    mail.add_attachment(data, maintype="image", subtype="png", filename=f"{file_name}.png")
    made = draft(mail.as_bytes())
    assert made.title == title
    assert made.sender is not None
    assert (made.sender.name, made.sender.value) == (name, "someone@mail.example.cn")
    assert made.text == text
    assert [(file.name, file.data) for file in made.files] == [(f"{file_name}.png", data)]


@given(text=CHINESE, charset=st.sampled_from(["utf-8", "gb2312", "gbk", "gb18030", "utf-16", "utf-7"]))
@settings(max_examples=150)
def test_a_simple_mail_is_read_back(draft: Callable[[bytes], Draft], text: str, charset: str) -> None:
    coding = "gb18030" if charset.startswith("gb") else charset
    mail = MIMEText("", "plain")
    mail.replace_header("Content-Type", f'text/plain; charset="{charset}"')
    mail.replace_header("Content-Transfer-Encoding", "8bit")
    assert draft(mail.as_bytes() + text.encode(coding)).text == text


@given(
    st.lists(
        st.sampled_from([
            "路灯坏了", "> 引用", "", "-- ", "发自我的iPhone", "On Mon, 2 Mar 2026 at 10:00, A <a@b.cn> wrote:",
            "发件人: a", "发送时间: 2026-03-02 10:00", "收件人: b", "主题: c", "第二行",
            "------------------ 原始邮件 ------------------", "---------- Forwarded message ---------",
        ]),
        max_size=15,
    )
)  # fmt: skip
@settings(max_examples=400)
def test_splitting_loses_no_line(lines: list[str]) -> None:
    parts = split("\n".join(lines), rulebook())
    kept = "\n".join(filter(None, parts)).split("\n")
    assert sorted(line.strip() for line in kept if line.strip()) == sorted(
        line.strip() for line in lines if line.strip()
    )
