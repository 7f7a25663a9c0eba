"""Inputs of `hotline try`: in order, by channel, and never from outside their folder."""

import base64
import json
from pathlib import Path

import pytest

from hotline.importer.attachments import with_files
from hotline.trial.inputs import read
from schemas.errors import MisconfiguredError


def names(*paths: Path, channel: str | None = None) -> list[tuple[str, str]]:
    return [(Path(one.name).name, one.channel) for one in read(paths, channel)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b/2.eml", "b/1.EML", "a.xml", ".git/x.eml", "b/.hidden.eml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "c.jsonl").write_bytes(b'\xef\xbb\xbf{"id":"1"}\r\n\r\n \n{"id":"2"}')
    return tmp_path


def test_a_folder_is_walked_by_path_without_hidden_files(folder: Path) -> None:
    assert names(folder) == [
        ("a.xml", "wechat"),
        ("1.EML", "mailbox"),
        ("2.eml", "mailbox"),
        ("c.jsonl:1", "record"),
        ("c.jsonl:4", "record"),
    ]


def test_a_named_channel_is_that_of_all_files_but_records(folder: Path) -> None:
    assert {channel for _, channel in names(folder, channel="sms")} == {"sms", "record"}


def test_a_line_is_given_without_mark_and_line_end(folder: Path) -> None:
    assert [one.data for one in read([folder / "c.jsonl"])] == [b'{"id":"1"}', b'{"id":"2"}']


def test_a_hidden_file_that_is_named_is_read(folder: Path) -> None:
    assert names(folder / "b" / ".hidden.eml") == [(".hidden.eml", "mailbox")]


def test_a_file_whose_channel_nobody_knows_is_a_fault_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "letter.doc").write_bytes(b"x")
    (one,) = read([tmp_path])
    assert one.fault is not None
    assert "--channel" in str(one.fault)


def test_a_missing_path_is_told_before_anything_is_read(folder: Path) -> None:
    with pytest.raises(MisconfiguredError, match="nowhere"):
        next(read([folder, folder / "nowhere"]))


def test_a_path_that_is_no_text_has_a_name(tmp_path: Path) -> None:
    path = Path(str(tmp_path) + "/\udce4.eml")
    path.write_bytes(b"x")
    (one,) = read([tmp_path])
    one.name.encode()


def attachments(line: bytes, folder: Path) -> list[object]:
    found: list[object] = json.loads(with_files(line, folder))["attachments"]
    return found


def test_files_beside_the_list_are_read_into_the_record(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8")
    line = b'{"id":"1","text":"x","attachments":[{"name":"p","path":"photo.jpg"}]}'
    assert attachments(line, tmp_path) == [
        {"name": "p", "path": "photo.jpg", "data": base64.b64encode(b"\xff\xd8").decode()}
    ]


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "link", "nowhere", "\u0000", ".", "a" * 5000])
def test_no_other_file_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "secret")
    line = json.dumps({"attachments": [{"path": name}]}).encode()
    assert with_files(line, folder) == line


@pytest.mark.parametrize("line", [b"attachments", b'{"attachments":1}', b'{"attachments":[1,null,{"path":3}]}', b"{}"])
def test_what_is_no_list_of_files_is_left_to_the_normalizer(tmp_path: Path, line: bytes) -> None:
    assert with_files(line, tmp_path) == line


def test_a_page_of_weibo_s_interfaces_is_one_input_for_each_item(tmp_path: Path) -> None:
    page = tmp_path / "page.json"
    page.write_text('{"comments": [{"id":9223372036854775807}, {"id":2}], "total_number": 2}', "utf-8")
    found = list(read([page], "weibo"))
    assert [(one.name.removeprefix(str(tmp_path)), one.data) for one in found] == [
        ("/page.json:1", b'{"id":9223372036854775807}'),
        ("/page.json:2", b'{"id":2}'),
    ]


@pytest.mark.parametrize("content", ['{"text":"一条微博"}', '{"users":[{}]}', '{"statuses":{}}', "[1]", "半截{"])
def test_what_is_no_page_stays_whole(tmp_path: Path, content: str) -> None:
    file = tmp_path / "one.json"
    file.write_text(content, "utf-8")
    (one,) = read([file], "weibo")
    assert one.data.decode() == content
