"""What a package names and loads when it is asked for.

Every verb and every component reads the settings of all channels; the client of one takes as long to load as most verbs
take to answer, and hardly any process needs more than one.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any


def lazily(package: str, **modules: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package (PEP 562): each name comes from the module of the package beside it."""

    def load(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return load
