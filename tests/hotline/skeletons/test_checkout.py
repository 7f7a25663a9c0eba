"""`hotline new connector` in a copy of this checkout: sound at once, and what fails says what is to be written."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

from hotline.dev.scaffold import MARK
from tests.docs.pages import ROOMS, ROOT
from tests.docs.test_add_a_channel import FILES, POSTS

pytestmark = [pytest.mark.timeout(1800), pytest.mark.long]

ASKED = {
    "push": ("counter_of_the_city_hall", "市民服务大厅一层综合窗口"),
    "pull": ("letters_of_the_city_hall", "市民服务大厅二层来信窗口"),
    "session": ("speaker_of_the_city_hall", "市民服务大厅三层电话窗口"),
}
"""The longest names that can be had: what they are written into must not be reformatted."""

KINDS = [f"tests/contract/test_{kind}_connectors.py" for kind in ASKED]
UNDERSTOOD = ["tests/contract/test_normalizers.py", "tests/normalizers/test_cases.py"]
AROUND = [f"tests/{name}.py" for name in ("contract/test_channels", "schemas/test_generate", "docs/test_pages")]
AROUND += ["tests/docs/test_reference.py"]
PLANTED = "tests/tickets/test_planted_everywhere.py"
CHOSEN = ["-k", " or ".join(["city_hall", "kiosk", "_every_", *(Path(path).stem for path in AROUND)])]
"""What is asked of all together, and of what is new: the other channels are asked by the tests of this checkout."""


class Done(NamedTuple):
    code: int
    told: str


class Fault(NamedTuple):
    """Why a test fails, and all that is told of it."""

    why: str
    told: str


class Checkout:
    """A copy of this checkout with what Python compiled of it, and the tools in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for room in (*ROOMS, "benchmarks", "deploy", "docs", "tests"):
            shutil.copytree(ROOT / room, folder / room)
        for file in [*ROOT.glob("*.*"), ROOT / "Makefile"]:
            if file.is_file():
                shutil.copy(file, folder)

    def run(self, *module: str, **variables: str) -> Done:
        surroundings = os.environ | {"PYTHONPATH": str(self.folder)} | variables  # `-m hotline` leaves the folder out
        command = [sys.executable, "-m", *module]
        done = subprocess.run(command, cwd=self.folder, env=surroundings, capture_output=True, text=True, check=False)
        return Done(done.returncode, done.stdout + done.stderr)

    def new(self, name: str, kind: str, chinese: str, *more: str) -> Done:
        return self.run("hotline", "new", "connector", name, "--kind", kind, "--chinese", chinese, *more)

    def change(self, path: str, pattern: str, by: str) -> None:
        file = self.folder / path
        file.write_text(re.sub(pattern, by.replace("\\", r"\\"), file.read_text(encoding="utf-8")), encoding="utf-8")

    def outcomes(self, *tests: str, **variables: str) -> tuple[set[str], dict[str, Fault]]:
        """Run tests; return which of them pass, and what the others say."""
        report = self.folder.parent / "report.xml"
        report.unlink(missing_ok=True)
        words = ("-p", "no:cacheprovider", f"--junit-xml={report}")
        told = self.run("pytest", "-q", *words, *tests, **variables).told
        cases = list(ElementTree.parse(report).iter("testcase"))
        assert cases, told
        named = {f"{case.get('classname')}::{case.get('name')}": case for case in cases}
        failed = {
            name: Fault(str(fault.get("message")), str(fault.text))
            for name, case in named.items()
            for fault in case
            if fault.tag in ("failure", "error")
        }
        return named.keys() - failed.keys(), failed

    def files(self) -> dict[str, bytes]:
        """What `git status` would look at."""
        found = {path.relative_to(self.folder): path for path in self.folder.rglob("*") if path.is_file()}
        of_tools = re.compile(r"\.|__pycache__")
        return {
            str(name): path.read_bytes() for name, path in found.items() if not any(map(of_tools.match, name.parts))
        }


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, list[str]]:
    """A checkout with a new connector of each kind and one more way into a channel, and the paths of what is new."""
    checkout = Checkout(tmp_path_factory.mktemp("asked") / "hotline")
    before = checkout.files()
    for kind, (name, chinese) in ASKED.items():
        done = checkout.new(name, kind, chinese)
        assert done.code == 0, done.told
        assert f"new      connectors/{name}.py" in done.told
    done = checkout.new("sms_by_pigeon", "session", "信鸽", "--channel", "sms")
    assert done.code == 0, done.told
    return checkout, sorted(checkout.files().keys() - before.keys())


def test_the_new_files_keep_to_make_check(asked: tuple[Checkout, list[str]]) -> None:
    checkout, new = asked
    ours = [path for path in new if path.endswith(".py") and not path.startswith("tests/")]
    assert len(ours) == 7, "four connectors, three normalizers"
    for words in (["ruff", "format", "--check", "."], ["ruff", "check", "--output-format", "concise", "."]):
        found = checkout.run(*words)
        assert found.code == 0, found.told
    rooms = subprocess.run([Path(sys.executable).with_name("lint-imports")], cwd=checkout.folder, check=False)
    assert rooms.returncode == 0
    if (known := ROOT / ".mypy_cache").exists():  # by `make check`, without which all that is imported is read anew
        shutil.copytree(known, checkout.folder / known.name)
    typed = checkout.run("mypy", *ours, "connectors/registry.py", "normalizers/registry.py")
    assert typed.code == 0, typed.told


def test_the_generated_files_are_what_the_code_says(asked: tuple[Checkout, list[str]]) -> None:
    checkout, _ = asked
    assert checkout.run("hotline", "schema", "check").code == 0


def test_a_second_time_nothing_is_written(asked: tuple[Checkout, list[str]]) -> None:
    checkout, _ = asked
    before = checkout.files()
    for kind, (name, chinese) in ASKED.items():
        assert checkout.new(name, kind, chinese).code == 2
    assert checkout.files() == before


def test_what_fails_says_what_is_to_be_written_and_where(asked: tuple[Checkout, list[str]]) -> None:
    checkout, new = asked
    passed, failed = checkout.outcomes(*CHOSEN, *KINDS, *UNDERSTOOD, *AROUND)
    assert len(passed) > 50
    assert {test: fault.told for test, fault in failed.items() if f"{MARK}: " not in fault.why} == {}
    modules = {path.removesuffix(".py").replace("/", ".") for path in (*KINDS, *UNDERSTOOD, AROUND[0])}
    assert {test.partition("::")[0] for test in failed} == modules
    (told,) = (one.told for test, one in failed.items() if test.endswith("test_nothing_of_a_skeleton_is_left_to_write"))
    listed = set(re.findall(rf"([\w/-]+\.\w+):\d+: .*{MARK}: ", told))
    assert listed == {*new, "docs/reference/channels.md", "tests/contract/test_normalizers.py"}


def test_the_page_leads_to_a_channel_that_keeps_every_contract(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "hotline")
    assert checkout.new("kiosk", "push", "自助终端").code == 0
    for path, source in FILES.items():
        (checkout.folder / f"{path}.py").write_text(source, encoding="utf-8")
    body = re.findall(r"^BODY = '(.*)'", FILES[POSTS], re.MULTILINE)[0]
    checkout.change("tests/contract/test_normalizers.py", rf'"{MARK}: .*"(?=\.encode)', f"'{body}'")
    case = checkout.folder / "tests/normalizers/cases/kiosk/text/raw.txt"
    case.with_suffix(".json").write_text(body, encoding="utf-8")
    case.unlink()
    for page in ("docs/how-to/channels/kiosk.md", "docs/reference/channels.md"):
        checkout.change(page, f"{MARK}: ", "")
    assert checkout.run("hotline", "schema", "export").code == 0
    assert checkout.run("ruff", "check", ".").code == 0
    checkout.outcomes(*CHOSEN, UNDERSTOOD[1], HOTLINE_WRITE_CASES="1")
    passed, failed = checkout.outcomes(*CHOSEN, *KINDS, *UNDERSTOOD, *AROUND, PLANTED)
    assert (failed, len(passed) > 50) == ({}, True)
    assert len([test for test in passed if Path(PLANTED).stem in test]) == 1
