"""A forked worker is to a test what a new interpreter would be."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hotline.runtime.components import STAGES
from tests.docs.pages import ROOMS
from tests.forked import Forked, done

LIBRARIES = ("aiokafka", "faust", "kafka", "pydantic", "pydantic_settings")
MAILBOX = {"HOST": "127.0.0.1", "TLS": "none", "USERNAME": "hotline", "PASSWORD": "secret"}
SMSC = {"HOST": "127.0.0.1", "SYSTEM_ID": "hotline", "PASSWORD": "secret"}
SMTP = {"HOST": "127.0.0.1", "TLS": "none", "FROM_ADDRESS": "hotline@example.cn"}
SETTINGS = {
    "JURISDICTION": "210100",
    "KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9",
    "ELASTICSEARCH__HOSTS": "http://127.0.0.1:9",
    "REQUESTER_KEYS__K1": "sixteen bytes or more",
    "QUERY_KEY": "sixteen bytes or more",
    "TELEMETRY__PORT": "0",
    **{f"CONNECTORS__MAILBOX__A__{key}": told for key, told in MAILBOX.items()},
    **{f"CONNECTORS__SMS_SMPP__B__{key}": told for key, told in SMSC.items()},
    **{f"ANSWERS__A__SMTP__{key}": told for key, told in SMTP.items()},
}
"""A city with a mailbox and an SMSC; nothing of it is asked."""

SCRIPT = """
import os, sys
print(sys.argv[1:], os.getcwd(), sorted(os.environ), __name__, sys.stdin.read())
print("a complaint", file=sys.stderr)
sys.exit(3)
"""
IMPORTS = """
import os, sys
from hotline.runtime import process
from hotline.cli import main

async def serve(*_):
    print(*sorted(sys.modules.keys() - before), flush=True)
    os._exit(0)

process.serve, before = serve, {*sys.modules}
main()
"""
WAITS = "import time\ntime.sleep(600)\n"


def test_it_has_its_own_arguments_variables_folder_and_streams(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    said, complained, given = (tmp_path / name for name in ("said", "complained", "given"))
    given.write_text("a question")
    with said.open("w") as out, complained.open("w") as err, given.open() as into:
        worker = Forked(str(script), "a", "b", env={"ONLY": "1"}, cwd=tmp_path, stdin=into, stdout=out, stderr=err)
        assert worker.wait(90) == worker.returncode == 3
    assert said.read_text() == f"['a', 'b'] {tmp_path} ['ONLY'] __main__ a question\n"
    assert complained.read_text() == "a complaint\n"


def test_a_module_is_run_as_python_runs_it() -> None:
    told = done("-m", "hotline", "run", "no such component", env={**os.environ, "HOTLINE_JURISDICTION": "210100"})
    assert told.returncode == 2
    assert "no such component" in told.stderr


def test_what_components_are_made_of_is_imported_before_they_are_forked_off(tmp_path: Path) -> None:
    """Else each of the hundred and fifty of a run would do so again."""
    script, said = tmp_path / "script.py", tmp_path / "said"
    script.write_text(IMPORTS)
    components = (*STAGES, "sink:elastic", "eraser", "outbox", "connector:a", "connector:b", "monitor")
    settings = {f"HOTLINE_{name}": told for name, told in SETTINGS.items()}
    with said.open("w") as out:
        worker = Forked(str(script), "run", *components, env=os.environ | settings, cwd=tmp_path, stdout=out)
        assert worker.wait(180) == 0
    late = {name for name in said.read_text().split() if name.partition(".")[0] in (*ROOMS, *LIBRARIES)}
    assert late == set()


def test_a_signal_that_comes_just_after_its_end_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fork server takes leave of a process a moment before its code can be read."""
    worker = Forked("-m", "this")
    worker.wait(60)
    monkeypatch.setattr(Forked, "returncode", None)
    worker.kill()


def test_all_who_wait_for_its_end_are_told_the_same(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(WAITS)
    for _ in range(5):
        with ThreadPoolExecutor(4) as threads:
            worker = Forked(str(script))
            waiting = [threads.submit(worker.wait, 90) for _ in range(4)]
            worker.kill()
            assert [one.result() for one in waiting] == [-signal.SIGKILL] * 4
