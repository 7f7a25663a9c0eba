"""What a normalizer may depend on besides the bytes: keys and limits, handed in, never read from the world."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct

from normalizers.findings.category_model import CategoryModel
from normalizers.findings.place_model import PlaceModel

DEMO_KEY_ID = "demo"
DEMO_KEY = b"hotline demo key: refused outside of try and demo"
"""The fixed requester key of `hotline try` and `hotline demo`; `hotline check` refuses it elsewhere."""


class Policy(Struct, frozen=True, kw_only=True):
    """Keys and limits of one deployment.

    `requester_keys` maps key id to HMAC key, newest first: new hashes use the first, older ones still match.
    Sizes are in bytes of UTF-8 (`max_text_bytes`) or counts. Files in `rules_folder` stand
    for our rules of the same name; `category_model` and `place_model` are what the city learned from its own archive.
    """

    requester_keys: Mapping[str, bytes] = MappingProxyType({DEMO_KEY_ID: DEMO_KEY})
    max_text_bytes: int = 64 * 1024
    max_grams: int = 256
    stale_after_seconds: float = 24 * 60 * 60
    rules_folder: Path | None = None
    category_model: CategoryModel | None = None
    place_model: PlaceModel | None = None
