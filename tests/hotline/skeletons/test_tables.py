"""A line more in a table stands where it belongs, and nothing else changes."""

from collections.abc import Callable

import pytest

from hotline.dev.scaffold import tables
from tests.rows import each_row

SOURCE = '''"""A table."""

from room import a, z
from tests.room import b

TABLE: Mapping[str, int] = MappingProxyType(
    {
        "a": 1,
        "m": Entry(
            "m",
        ),
        "z": 3,
    }
)
"""Of numbers."""
'''


@each_row(
    ("name", "behind"), [("A", "    {"), ("b", '        "a": 1,'), ("n", "        ),"), ("zz", '        "z": 3,')]
)
def test_an_entry_stands_in_order(name: str, behind: str) -> None:
    line = f'        "{name}": 7,\n'
    made = tables.entered(SOURCE, "TABLE", name, "7")
    assert f"{behind}\n{line}" in made
    assert made.replace(line, "") == SOURCE


def test_or_before_the_one_that_comes_last() -> None:
    assert '        "z0": 7,\n        "z": 3,' in tables.entered(SOURCE, "TABLE", "z0", "7", before="z")


def test_an_import_more() -> None:
    assert "\nfrom room import c, a, z\n" in tables.imported(SOURCE, "room", "c")
    assert "import (c, \n    a," in tables.imported("from room import (\n    a,\n)\n", "room", "c")
    beside = tables.imported_beside(SOURCE, "from tests.c import d")
    assert "\nfrom tests.c import d\nfrom tests.room import b\n" in beside


def test_a_row_and_a_link_more() -> None:
    page = "# P\n\n| a |\n|---|\n| b |\n\nSee [a](x/a.md), [b](x/b.md#b). And [c](y/c.md).\n"
    assert tables.rowed(page, "| c |") == page.replace("| b |\n", "| b |\n| c |\n")
    assert "[b](x/b.md#b),\n[d](x/d.md). And" in tables.linked(page, "x/", "[d](x/d.md)")


@each_row(
    "edit",
    [
        lambda: tables.entered(SOURCE, "OTHER", "a", "7"),
        lambda: tables.imported(SOURCE, "roo", "c"),
        lambda: tables.imported_beside("import os\n", "from tests.c import d"),
        lambda: tables.rowed("no table\n", "| c |"),
        lambda: tables.linked("no link\n", "x/", "[d](x/d.md)"),
    ],
)
def test_where_there_is_no_place_that_is_said(edit: Callable[[], str]) -> None:
    with pytest.raises(LookupError):
        edit()


def test_a_name_that_means_two_things() -> None:
    source = "import a.b\nfrom c import d as e, f\nasync def g(): ...\nclass H: ...\nI = 1\nj: int = 2\n"
    assert tables.bound_twice(source) == []
    for more in ("a = 1", "import e", "def f(): ...", "from x import g", "class H: ...", "I: int", "from y import j"):
        assert len(tables.bound_twice(source + more)) == 1
