"""The real messages of the normalizers' tests."""

from tests.normalizers.conftest import data

__all__ = ["data"]
