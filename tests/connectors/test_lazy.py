"""What a connector's package names is there when it is asked for, and nothing else is."""

import pkgutil
from importlib import import_module

import pytest

import connectors
from tests.rows import each_row

PACKAGES = [f"connectors.{one.name}" for one in pkgutil.iter_modules(connectors.__path__) if one.ispkg]


@each_row("package", PACKAGES)
def test_whatever_a_package_names_is_there(package: str) -> None:
    module = import_module(package)
    assert [name for name in getattr(module, "__all__", ()) if not hasattr(module, name)] == []


def test_what_a_package_does_not_name_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Maibox'"):
        import_module("connectors.mailbox").Maibox  # noqa: B018 - to ask is the test
