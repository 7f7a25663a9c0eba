"""The unit and the commands of deploy/README.md under a real systemd, with a Kafka that is away."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.peers.private_systemd import PrivateSystemd, booted
from tests.waiting import until

pytestmark = pytest.mark.long

UNIT = "hotline@receiver"
SETTINGS = """
jurisdiction = "210100"
[kafka]
bootstrap_servers = "127.0.0.1:9"
[local]
data_dir = "/var/lib/hotline"
[connectors.wechat.city]
appid = "wx1234567890abcdef"
modes = ["plain"]
path = "/wechat"
"""
SECRETS = {
    "HOTLINE_QUERY_KEY": "sixteen bytes or more",
    "HOTLINE_REQUESTER_KEYS__K2026": "sixteen bytes or more",
    "HOTLINE_CONNECTORS__WECHAT__CITY__TOKENS": "token",
}
PUSH = """
import hashlib, sys, time, urllib.request
time, nonce = str(int(time.time())), sys.argv[1]
sign = hashlib.sha1("".join(sorted(["token", time, nonce])).encode()).hexdigest()
body = (
    "<xml><ToUserName>gh_1</ToUserName><FromUserName>one</FromUserName><CreateTime>%s</CreateTime>"
    "<MsgType>text</MsgType><Content>路灯不亮</Content><MsgId>%s</MsgId></xml>" % (time, nonce)
).encode()
url = "http://127.0.0.1:19110/wechat?signature=%s&timestamp=%s&nonce=%s" % (sign, time, nonce)
print(urllib.request.urlopen(urllib.request.Request(url, body), timeout=60).status)
"""


def told(heading: str) -> str:
    """The commands of a chapter of deploy/README.md."""
    chapter = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8").partition(f"## {heading}\n")[2]
    found = re.search(r"```sh\n(.*?)```", chapter, re.S)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateSystemd]:
    """A machine that was set up as deploy/README.md says, and runs the receiver."""
    with booted(tmp_path_factory.mktemp("machine") / "files", ROOT) as here:
        commands = told("Set up")
        made, rest = commands.split("export HOTLINE_SETTINGS", 1)
        put(here, "/etc/hotline/hotline.env", "")
        unit = (ROOT / "deploy" / "hotline@.service").read_text(encoding="utf-8")
        put(here, "/etc/systemd/system/hotline@.service", unit, mode="0644")
        here.run("sh", "-e", script=made)
        put(here, "/etc/hotline/hotline.toml", SETTINGS, group="hotline", mode="0640")
        for name, value in SECRETS.items():
            put(here, f"/etc/hotline/secrets/{name}", f"{value}\n", group="hotline", mode="0640")
        here.run("sh", "-c", "chgrp hotline /etc/hotline/secrets && chmod 0750 /etc/hotline/secrets")
        # Without servers: the doctor, topics and indices are tested elsewhere.
        kept = [line for line in rest.splitlines() if "topics create" not in line and "doctor" not in line]
        script = "export HOTLINE_SETTINGS" + "\n".join(kept).replace("hotline@all", UNIT)
        assert "are in order" in here.run("bash", "-e", script=script)
        yield here


def put(machine: PrivateSystemd, path: str, text: str, group: str = "root", mode: str = "0600") -> None:
    machine.run(
        "sh",
        "-ec",
        f"mkdir -p {Path(path).parent}; cat > {path}; chgrp {group} {path}; chmod {mode} {path}",
        script=text,
    )


def waiting(machine: PrivateSystemd) -> int | None:
    """The bytes in the receiver's journal, None while it does not listen."""
    answer = machine.run("curl", "-s", "http://127.0.0.1:19120/readyz", check=False)
    told = json.loads(answer)["components"][0] if answer else {}
    size: int | None = told.get("journal_bytes")
    return size


def comes_to(machine: PrivateSystemd, size: int | None) -> None:
    def otherwise() -> str:
        return f"{waiting(machine)} and not {size}; {machine.run('journalctl', '-u', UNIT, '-n', '20', '-o', 'short')}"

    until(lambda: waiting(machine) == size, otherwise, seconds=120)


def push(machine: PrivateSystemd, nonce: str) -> None:
    assert machine.run("python3", "-c", PUSH, nonce).strip() == "200"


def restart(machine: PrivateSystemd) -> None:
    machine.run("systemctl", "restart", UNIT)
    until(lambda: waiting(machine) is not None)


@pytest.mark.timeout(300)
def test_what_a_receiver_took_is_kept_over_a_kill_and_a_stop_and_the_unit_starts_it_again(
    machine: PrivateSystemd,
) -> None:
    comes_to(machine, 0)
    push(machine, "1001")
    size = until(lambda: waiting(machine))
    before = machine.shows(UNIT, "MainPID")["MainPID"]
    machine.run("kill", "-9", before)
    until(lambda: machine.shows(UNIT, "MainPID")["MainPID"] not in (before, "0"))
    comes_to(machine, size)
    assert machine.shows(UNIT, "NRestarts", "ActiveState") == {"NRestarts": "1", "ActiveState": "active"}
    machine.run("systemctl", "stop", UNIT)
    assert machine.shows(UNIT, "Result", "ExecMainStatus") == {"Result": "success", "ExecMainStatus": "0"}
    restart(machine)
    assert waiting(machine) == size
    push(machine, "1002")
    until(lambda: (waiting(machine) or 0) > (size or 0))
    assert_closed(machine)
    assert_told_in_json(machine)
    assert_another_folder_is_written_once_the_unit_is_told_of_it(machine)


def assert_closed(machine: PrivateSystemd) -> None:
    """Nobody else may look into what it writes."""
    found = machine.run("find", "/var/lib/hotline", "-printf", "%u %m %P\n").splitlines()
    assert {line.split()[0] for line in found} == {"hotline"}
    assert {line.split()[1] for line in found} == {"700", "600"}
    assert any("journal/" in line for line in found)


def assert_told_in_json(machine: PrivateSystemd) -> None:
    lines = machine.run("journalctl", "-o", "cat", f"_SYSTEMD_UNIT={UNIT}.service").splitlines()
    assert {"component_started", "component_stopped"} <= {json.loads(line)["event"] for line in lines}


def assert_another_folder_is_written_once_the_unit_is_told_of_it(machine: PrivateSystemd) -> None:
    put(machine, "/etc/hotline/receiver.env", "HOTLINE_RECEIVER__JOURNAL_FOLDER=/srv/journal\n")
    page = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
    commands = next(part for part in page.split("```sh\n") if "systemctl edit" in part)
    machine.run("sh", "-e", script=commands.partition("systemctl edit")[0])
    restart(machine)
    until(lambda: "ReadWritePaths" in machine.run("journalctl", "-o", "cat", f"_SYSTEMD_UNIT={UNIT}.service"))
    line = re.search(r"# (ReadWritePaths=.*)", commands)
    assert line
    put(machine, f"/etc/systemd/system/{UNIT}.service.d/override.conf", f"[Service]\n{line[1]}\n")
    machine.run("systemctl", "daemon-reload")
    restart(machine)
    push(machine, "1003")
    assert until(lambda: waiting(machine))
    assert machine.run("find", "/srv/journal", "-name", "lock")
