"""Every benchmark can at least be started: nobody runs all of them every day."""

from importlib import import_module

import pytest

from tests.docs.pages import ROOT

IN_OTHER_ENVIRONMENTS = {"benchmarks.engines.bytewax_flow", "benchmarks.engines.quix"}
"""They run where the engine that they measure is installed."""

MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts)
    for file in (ROOT / "benchmarks").rglob("*.py")
    if file.name != "__init__.py"
)


@pytest.mark.parametrize("name", [name for name in MODULES if name not in IN_OTHER_ENVIRONMENTS])
def test_it_can_be_imported(name: str) -> None:
    if name.startswith("benchmarks.fuzz"):
        pytest.importorskip("atheris", reason="atheris exists for Linux x86-64 alone")
    assert import_module(name).__doc__
