"""The mails of other projects' tests, read by path: what they hold is what the Draft holds."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from normalizers.base import Draft

Normalize = Callable[[bytes], Draft]

REPLY = "Hi. I am fine.\n\nThanks,\nAlex"


def test_every_mail_gives_a_draft(real_mails: Path, draft: Normalize) -> None:
    paths = [path for path in sorted(real_mails.rglob("*")) if path.suffix in (".eml", ".msg", ".txt", ".box")]
    assert len(paths) > 150
    for path in paths:
        made = draft(path.read_bytes())
        assert "\x00" not in made.text, path
        assert made.title is None or made.title.strip() == made.title, path


def test_headers_are_those_that_the_mail_shows(real_mails: Path, draft: Normalize) -> None:
    """Where a mail's From and Subject are plain ASCII, they come out as they stand."""
    checked = 0
    for path in sorted(real_mails.rglob("*.eml")):
        head = re.split(rb"\r?\n\r?\n", path.read_bytes(), maxsplit=1)[0].decode("latin-1")
        sender = re.findall(r"(?m)^From: (?:[\w .]+ <([\w.]+@[\w.]+)>|([\w.]+@[\w.]+))\r?$", head)
        subject = re.findall(r"(?m)^Subject: ([\x20-\x3c\x3e\x40-\x7e]+?)[ \t]*\r?\n(?![ \t])", head)
        made = draft(path.read_bytes())
        if len(sender) == 1 and "\nFrom " not in head:
            address = "".join(sender[0])
            assert made.sender is not None, path
            assert made.sender.value.lower() == address.lower(), path
            checked += 1
        if len(subject) == 1:
            assert made.title == " ".join(subject[0].split()), path
            checked += 1
    assert checked > 80


def test_zammad(real_mails: Path, draft: Normalize) -> None:
    for path in sorted((real_mails / "zammad_sample").glob("*.yml")):
        fields = dict(re.findall(r"(?m)^(\w+): (.*)$", path.read_text(encoding="utf-8")))
        fields = {name: value.strip("\"'").replace("\\n", "\n") for name, value in fields.items()}
        made = draft(path.with_suffix(".box").read_bytes())
        assert made.sender is not None
        assert made.sender.value == fields["from_email"]
        assert (made.sender.name or "") == fields.get("from_display_name", made.sender.name or "")
        assert made.title == fields["subject"]
        body = re.sub(r"<[^<>]*>", " ", fields.get("body", made.text)).replace("no visible content", "")
        assert made.text.split() == body.split()
        assert not made.files


def test_talon_plain_replies(real_mails: Path, draft: Normalize) -> None:
    for path in sorted((real_mails / "talon" / "standard_replies").glob("*.eml")):
        made = draft(path.read_bytes())
        wanted = path.with_name(f"{path.stem}_reply_text")
        expected = wanted.read_text(encoding="utf-8") if wanted.exists() else "Hello"
        assert f"{made.text}\n{made.signature or ''}".split() == expected.split(), path.name
        assert made.quoted, path.name


def test_talon_html_replies(real_mails: Path, draft: Normalize) -> None:
    for path in sorted((real_mails / "talon" / "html_replies").glob("*.html")):
        made = draft(b"Content-Type: text/html; charset=utf-8\n\n" + path.read_bytes())
        assert made.text.split() == REPLY.split(), path.name
        assert made.quoted, path.name
        assert "Hello! How are you?" in made.quoted or "Sasha" in made.quoted or "baz" in made.quoted, path.name


def _reference(path: Path) -> dict[str, dict[str, str]]:
    """Read the Perl structure of a .ref file: part name to its fields."""
    text = path.read_text(encoding="latin-1")
    parts: dict[str, dict[str, str]] = {}
    for name, body in re.findall(r'"((?:Msg|Part)[\w]*)" => \{(.*?)\n  \}', text, re.DOTALL):
        pairs = re.findall(r'"?(\w+)"?\s*=>\s*(?:qq\{(.*?)\}|"((?:[^"\\]|\\.)*)"|(\d+))', body)
        parts[name] = {key: (a or b or c).replace("\\@", "@") for key, a, b, c in pairs}
    return parts


def _references(folder: Path) -> Iterator[tuple[Path, dict[str, dict[str, str]]]]:
    for path in sorted(folder.glob("*.ref")):
        if "ExtractNested" in path.read_text(encoding="latin-1") and "REPLACE" not in path.read_text("latin-1"):
            message = re.search(r"testmsgs/([\w.-]+)", path.read_text(encoding="latin-1"))
            if message and (folder / message[1]).exists():
                yield folder / message[1], _reference(path)


def test_mime_tools_subjects_and_files(real_mails: Path, draft: Normalize) -> None:
    """Every part that the reference gives a file name is an attachment of that name, type and size."""
    seen = 0
    for path, parts in _references(real_mails / "mime_tools"):
        made = draft(path.read_bytes())
        if subject := parts.get("Msg", {}).get("Subject"):
            assert made.title == subject, path.name
        files = list(made.files)
        for name, fields in parts.items():
            file_name = fields.get("Filename")
            if not file_name or file_name.startswith("x-") or _inside_a_mail(name, parts):
                continue
            if "ofpath" in file_name:  # the mail says of\\path\\: we read a Windows path, the reference escapes
                continue
            base = re.sub(r".*[/\\]", "", file_name)
            found = [file for file in files if file.name == base and file.media_type == fields["Type"]]
            assert found, (path.name, name, base)
            if "Size" in fields and fields["Type"] != "message/rfc822":
                assert int(fields["Size"]) in {len(file.data or b"") for file in found}, (path.name, name)
            files.remove(found[0])
            seen += 1
    assert seen >= 10


def _inside_a_mail(name: str, parts: dict[str, dict[str, str]]) -> bool:
    owners = [other for other in parts if name.startswith(f"{other}_")]
    return any(parts[owner].get("Type") == "message/rfc822" for owner in owners)


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("attachment_emails/attachment_content_location.eml", [("Photo25.jpg", "image/jpeg")]),
        ("attachment_emails/attachment_message_rfc822.eml", [("ForwardedMessage.eml", "message/rfc822")]),
        ("attachment_emails/attachment_with_quoted_filename.eml", [("Eelanalüüsi päring.jpg", "image/jpeg")]),
        ("attachment_emails/attachment_with_base64_encoded_name.eml", [("This is a test.pdf", "application/pdf")]),
        ("multi_charset/japanese_attachment.eml", [("てすと.txt", "text/plain")]),
        ("mime_emails/raw_email_with_binary_encoded.eml", [("2013-08-13_19-08-28-1.jpg", "image/jpeg")]),
    ],
)
def test_mail_gem_files(name: str, files: list[tuple[str, str]], real_mails: Path, draft: Normalize) -> None:
    made = draft((real_mails / "mail_gem" / name).read_bytes())
    assert [(file.name, file.media_type) for file in made.files] == files


@pytest.mark.parametrize(
    ("name", "title", "text"),
    [
        ("japanese.eml", "まみむめも", "かきくえこ"),
        ("japanese_iso_2022.eml", "まみむめも", "すみません。"),
        ("japanese_shift_jis.eml", "test", "あいうえお"),
        ("ks_c_5601-1987.eml", "test", "스티해"),
    ],
)
def test_mail_gem_charsets(name: str, title: str, text: str, real_mails: Path, draft: Normalize) -> None:
    made = draft((real_mails / "mail_gem" / "multi_charset" / name).read_bytes())
    assert made.title == title
    assert made.text.startswith(text)


def test_reports_are_bounces(real_mails: Path, draft: Normalize) -> None:
    for path in sorted((real_mails / "mail_gem" / "multipart_report_emails").glob("*.eml")):
        assert draft(path.read_bytes()).message_class == "bounce", path.name
