"""No file imports itself by way of others, whether at import, in a function or for types alone."""

from collections.abc import Iterator, Mapping, Set
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

import grimp

from tests.rows import each_row

PACKAGES = ("schemas", "storage", "broker", "normalizers", "tickets", "connectors", "sinks", "streams", "hotline")


def circles(imports: Mapping[str, Set[str]]) -> Iterator[list[str]]:
    """Yield one circle after the other, each without the import that closes it in the ones behind."""
    left = {module: set(imported) for module, imported in imports.items()}
    while True:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            circle: list[str] = error.args[1]
            yield circle
            for imported, module in pairwise(circle):
                left[module].discard(imported)
        else:
            return


@each_row("package", PACKAGES)
def test_no_circle_of_files(package: str) -> None:
    graph = grimp.build_graph(package, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert list(circles(imports)) == []


def test_a_circle_is_found() -> None:
    assert [set(one) for one in circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})] == [{"a", "b", "c"}]
