"""A message shown to eyes that may not see persons has no personal field left, whatever it stands in."""

from msgspec.structs import replace

from hotline.search.redact import HIDDEN, hidden
from schemas.records import Attachment, Party
from tests.tickets.build import message


def test_no_digest_of_the_bytes_is_shown_by_which_all_telephones_could_be_tried() -> None:
    one = message(1, "路灯坏了")
    assert hidden(one)["raw"]["sha256"] == HIDDEN
    assert one.raw.sha256 not in str(hidden(one))


def test_names_of_files_and_of_others_are_hidden_as_well() -> None:
    digest = "5f" * 32
    of_a_file = Attachment(id="1", name="李沐阳.jpg", size=3, sha256=digest, dataref=f"210100/m1/{digest}")
    files = (of_a_file, Attachment(id="2"))
    one = message(1, "我叫李沐阳", sender="13812345678", attachments=files)
    shown = hidden(replace(one, recipients=(Party(kind="email", value="li@x.cn", name="李沐阳"),)))
    assert not any(secret in str(shown) for secret in ("李沐阳", "13812345678", "li@x.cn", digest))
    assert [(each["name"], each["size"]) for each in shown["attachments"]] == [(HIDDEN, 3), (None, None)]
    assert shown["message_id"] == one.message_id
