"""The doctor at folders and blob stores: full, read-only, absent, refusing; a full disk is a real one."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from hotline.config.load import load
from hotline.doctor import storage
from hotline.doctor.findings import Finding, findings
from hotline.doctor.storage import _owner, blobs, disks
from hotline.runtime.folders import _size
from tests.peers.presence import missing, require

SECRET = "planted-secret-access-key"

WECHAT = "HOTLINE_CONNECTORS__WECHAT__CITY__"


def found(look: Callable[..., Iterator[object]]) -> list[Finding]:
    return list(findings("it", lambda: look(load())))


def test_folders_with_room_are_in_order(env: pytest.MonkeyPatch) -> None:
    assert [one.outcome for one in (*found(blobs), *found(disks))] == ["ok", "ok"]


def test_a_folder_that_cannot_be_one_is_told_with_its_setting(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    env.setenv("HOTLINE_LOCAL__DATA_DIR", str(tmp_path / "file" / "data"))
    told = [one.detail for one in found(disks)]
    assert f"Nothing can be written to the data folder {tmp_path}/file/data (Not a directory)" in told[0]
    assert "correct `local.data_dir`" in told[0]


def test_a_disk_that_hangs_is_told(env: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    env.setattr(storage, "DISK_SECONDS", 0.1)
    env.setattr(storage, "_write", lambda _: answers.wait(30))
    told = found(disks)
    answers.set()
    assert (told[0].outcome, "data folder" in told[0].detail) == ("wait", True)
    assert "does not respond: check that it can be reached" in told[0].detail


def test_the_disk_of_a_blob_store_that_hangs_is_told(env: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    env.setattr(storage, "DISK_SECONDS", 0.1)
    env.setattr(storage, "probe", lambda _: answers.wait(30))
    (told,) = found(blobs)
    answers.set()
    assert told.outcome == "wait"
    assert told.detail.startswith("The disk of the blob store /")
    assert told.detail.endswith("does not respond: check that it can be reached.")


def test_a_folder_where_our_user_may_not_write_is_told(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    require(missing("setpriv") if os.getuid() == 0 else None)  # root may write everywhere
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o500)
    lines = doctor_in(
        f"exec {'setpriv --bounding-set -all --inh-caps -all ' if os.getuid() == 0 else ''}",
        {"HOTLINE_LOCAL__DATA_DIR": str(shut), "HOTLINE_BLOBS__URL": (shut / "blobs").as_uri()},
    )
    assert f"Nothing can be written to the data folder {shut} (Permission denied)" in lines["disk"][0]["detail"]
    assert lines["blob store"][0]["outcome"] == "mend"


class Draining(type(Path())):  # type: ignore[misc] # the class of this system's paths
    """A journal of which a receiver brings a segment to Kafka meanwhile."""

    def rglob(self, pattern: str) -> Iterator[Path]:
        yield Path(self / "0000000000000001-00.journal")
        yield from super().rglob(pattern)


def test_a_journal_that_is_drained_meanwhile_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "left").write_bytes(bytes(7))
    assert _size(Draining(tmp_path)) == 7


def test_root_makes_no_folders_that_the_services_user_may_not_touch(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Commands of an operator's shell: what the doctor made there as root, `hotline run` could not write."""
    data, other = tmp_path / "data", pwd.getpwnam("nobody")
    data.mkdir()
    env.setenv("HOTLINE_LOCAL__DATA_DIR", str(data))
    for name, value in {"APPID": "wx1", "TOKENS": "token", "MODES": "plain"}.items():
        env.setenv(f"{WECHAT}{name}", value)
    env.setenv("HOTLINE_BLOBS__URL", (tmp_path / "blobs").as_uri())
    env.setattr(os, "geteuid", lambda: 0)
    env.setattr("hotline.doctor.storage._owner", lambda path: other.pw_name if path.is_relative_to(data) else None)
    told = [one.detail for one in found(disks)]
    assert len(told) == 2  # the data folder, the journal
    assert [one for one in told if "run this as nobody (`runuser -u nobody -- hotline doctor`)" not in one] == []
    env.delenv("HOTLINE_BLOBS__URL")
    (told_of_blobs,) = found(blobs)
    assert told_of_blobs.detail.startswith(f"Root may write to the blob store {data}/blobs, which belongs to nobody")
    assert list(data.iterdir()) == []


def test_the_probe_leaves_nothing_behind(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder of its own would be of whoever asked first, and shut for the others."""
    env.setenv("HOTLINE_BLOBS__URL", (tmp_path / "blobs").as_uri())
    assert [one.outcome for one in found(blobs)] == ["ok"]
    assert list((tmp_path / "blobs").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder to another user")
def test_whose_a_folder_is_that_is_not_there_yet_says_the_one_above(tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(tmp_path, nobody.pw_uid, nobody.pw_gid)
    assert _owner(tmp_path / "journal" / "large") == "nobody"
    assert _owner(Path("/")) is None


def test_the_journal_needs_the_room_that_it_is_allowed(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {"APPID": "wx1", "TOKENS": "token", "MODES": "plain"}.items():
        env.setenv(f"{WECHAT}{name}", value)
    env.setenv("HOTLINE_RECEIVER__JOURNAL_FOLDER", str(tmp_path / "journal"))
    assert [one.outcome for one in found(disks)] == ["ok"]
    env.setenv("HOTLINE_RECEIVER__JOURNAL_MAX_BYTES", str(1 << 60))
    (told,) = found(disks)
    assert f"The disk of the journal {tmp_path}/journal has" in told.detail
    assert "needs 2199023255552: free some space, or set `receiver.journal_folder` elsewhere." in told.detail


def doctor_in(prefix: str, settings: dict[str, str]) -> dict[str, list[dict[str, str]]]:
    """What `hotline doctor screen` says in a shell after `prefix`, by name."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}
    done = subprocess.run(
        ["sh", "-c", f'{prefix} "$0" -m hotline doctor screen --json', sys.executable],
        env={**clean, "HOTLINE_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9", **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    lines: dict[str, list[dict[str, str]]] = {}
    for line in map(json.loads, done.stdout.splitlines()):
        lines.setdefault(line["name"], []).append(line)
    return lines


def test_a_full_disk_is_told_for_each_folder_on_it(tmp_path: Path) -> None:
    """A file system of its own in a name space of its own, so that nothing of the machine is touched."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = f"mount -t tmpfs -o size=64k tmpfs {folder}"
    space = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if not shutil.which("unshare") or subprocess.run([*space, mount], capture_output=True, check=False).returncode:
        require("this machine lets nobody mount a file system of their own: allow user name spaces")
    fill = f"{mount}; mkdir {folder}/blobs; head -c 1m /dev/zero > {folder}/filling 2>/dev/null"
    lines = doctor_in(
        f'{" ".join(space[:-2])} sh -c \'{fill}; exec "$0" "$@"\'',
        {"HOTLINE_LOCAL__DATA_DIR": str(folder), "HOTLINE_BLOBS__URL": (folder / "blobs").as_uri()},
    )
    assert [line["detail"] for line in lines["disk"]] == [
        f"The disk of the data folder {folder} is full: free some space, or set `local.data_dir` elsewhere.",
        f"The disk of the blob store {folder}/blobs is full: free some space, or set `blobs.url` elsewhere.",
    ]
    assert "is full: free some" in lines["blob store"][0]["detail"]


@contextmanager
def bucket(status: int, code: str) -> Iterator[str]:
    """Answer every request as S3 does."""

    class Answer(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            body = f"<Error><Code>{code}</Code></Error>".encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def s3(env: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    settings = {"REGION": "local", "ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": SECRET, "ALLOW_HTTP": "true"}
    for name, value in settings.items():
        env.setenv(f"AWS_{name}", value)
    env.setenv("HOTLINE_BLOBS__URL", "s3://archive/blobs")
    return env


@pytest.mark.integration
@pytest.mark.enable_socket
@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "SignatureDoesNotMatch", "refuses our login: correct AWS_ACCESS_KEY_ID"),
        (403, "InvalidAccessKeyId", "refuses our login"),
        (403, "AccessDenied", "denies writing: give our user get, put, list and delete there"),
        (403, "RequestTimeTooSkewed", "differs from that of this machine: synchronise the clocks"),
        (404, "NoSuchBucket", "There is no blob store s3://archive/blobs: create the bucket"),
    ],
)
def test_what_s3_says_is_told(s3: pytest.MonkeyPatch, status: int, code: str, words: str) -> None:
    with bucket(status, code) as url:
        s3.setenv("AWS_ENDPOINT_URL", url)
        (told,) = found(blobs)
    assert told.outcome == "mend"
    assert words in told.detail
    assert SECRET not in told.detail


@pytest.mark.integration
@pytest.mark.enable_socket
def test_a_store_that_does_not_answer_is_waited_for_seconds_only(s3: pytest.MonkeyPatch) -> None:
    s3.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    (told,) = found(blobs)
    assert (told.outcome, "does not answer" in told.detail) == ("wait", True)


@pytest.mark.integration
@pytest.mark.enable_socket
@pytest.mark.parametrize("status", [200, 403])
def test_a_token_in_its_address_is_not_told(s3: pytest.MonkeyPatch, status: int) -> None:
    s3.setenv("HOTLINE_BLOBS__URL", f"s3://archive/blobs?sig={SECRET}")
    with bucket(status, "AccessDenied") as url:
        s3.setenv("AWS_ENDPOINT_URL", url)
        assert all(SECRET not in told.detail for told in found(blobs))
