"""Bytes to messages: pure functions of one raw record and a policy; no clock, no network, no logger."""

from normalizers.base import Policy
from normalizers.finalize import Blob
from normalizers.pipeline import Normalized, alarming, normalize
from normalizers.registry import NORMALIZERS, Normalizer

__all__ = ["NORMALIZERS", "Blob", "Normalized", "Normalizer", "Policy", "alarming", "normalize"]
