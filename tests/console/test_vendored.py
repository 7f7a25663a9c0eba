"""Files of others are those that `vendor.lock` names, byte for byte."""

import hashlib
import tomllib

from console.templates import FOLDER

VENDOR = FOLDER / "static" / "vendor"


def test_vendored_files_fit_their_lock() -> None:
    locked = tomllib.loads((VENDOR / "vendor.lock").read_text("utf-8"))["file"]
    assert {one["path"] for one in locked} == {path.name for path in VENDOR.iterdir()} - {"vendor.lock"}
    for one in locked:
        assert hashlib.sha256((VENDOR / one["path"]).read_bytes()).hexdigest() == one["sha256"]
        assert all(one[name] for name in ("name", "version", "licence", "source"))


def test_our_own_script_stays_small() -> None:
    assert (FOLDER / "static" / "console.js").read_text().count("\n") <= 300
