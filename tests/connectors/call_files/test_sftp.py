"""OpenSSH's SFTP server writes into the folder, as it does on the host where a platform delivers its files."""

import subprocess
from pathlib import Path

import pytest

from tests.connectors.call_files.growing import HEADING, Folder, rows
from tests.peers.presence import missing, require

pytestmark = pytest.mark.integration

SERVER = "/usr/lib/openssh/sftp-server"


def upload(folder: Path, *orders: str) -> None:
    """Let OpenSSH's client talk to OpenSSH's server; no SSH is between them."""
    lacking = None if Path(SERVER).exists() else f"{SERVER} is missing: apt-get install openssh-sftp-server"
    require(lacking or missing("sftp"))
    script = "\n".join((f"cd {folder}", *orders)) + "\n"
    subprocess.run(
        ["sftp", "-D", SERVER, "-b", "-"], input=script, text=True, check=True, capture_output=True, timeout=120
    )


def test_uploads_resumed_uploads_and_renames_are_read_once(tmp_path: Path) -> None:
    inbox, outbox = tmp_path / "in", tmp_path / "out"
    inbox.mkdir()
    outbox.mkdir()
    whole = HEADING + "".join(f"{number},13800138000,路灯坏了,\n" for number in range(1000))
    (outbox / "calls.csv").write_text(whole)
    (outbox / "half.csv").write_bytes(whole.encode()[:9_999])
    folder = Folder(inbox)
    upload(inbox, f"put {outbox}/half.csv calls.csv")
    first = folder.all()
    assert 0 < len(first) < 1000
    upload(inbox, f"reput {outbox}/calls.csv calls.csv")
    assert [row.split(",")[0] for row in rows([*first, *folder.all()])] == [str(number) for number in range(1000)]
    upload(inbox, f"put -p {outbox}/half.csv .new.csv.part", "rename .new.csv.part new.csv")
    again = folder.all()
    assert {message.message_id for message in again} <= {message.message_id for message in first}
    assert again
