"""Files of a city's own models: each is named by its digest, and a card beside it tells people what it is."""

import hashlib
import json
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from schemas.codec import UNREADABLE
from schemas.errors import MisconfiguredError


class Card(Protocol):
    """What every card has: the digest of the model that it describes."""

    @property
    def sha256(self) -> str:
        """Return the digest, in hexadecimal."""
        ...


C = TypeVar("C", bound=Card)


def read(path: Path, kind: str, card_type: type[C]) -> tuple[bytes, C]:
    """Return a model of a `kind` (category, place) and its card, which lies beside it as .json.

    Raises MisconfiguredError when one is missing, or the model is not the one that the card describes.
    """
    try:
        data = path.read_bytes()
        card = msgspec.json.decode(path.with_suffix(".json").read_bytes(), type=card_type)
    except (OSError, *UNREADABLE) as error:
        verb = " ".join(("hotline learn", kind))
        raise MisconfiguredError(
            f"The {kind} model {path} cannot be read ({type(error).__name__}): create it with `{verb}`."
        ) from error
    if hashlib.sha256(data).hexdigest() != card.sha256:
        raise MisconfiguredError(f"The {kind} model {path} does not match its card: create it again.")
    return data, card


def keep(draft: Path, kind: str, card: dict[str, Any]) -> Path:
    """Give a model that was just made its name, which holds its digest, write its card, and return its path."""
    sha256 = hashlib.sha256(draft.read_bytes()).hexdigest()
    path = draft.with_name(f"{kind}-{sha256[:12]}{draft.suffix}")
    draft.rename(path)
    text = json.dumps({"sha256": sha256} | card, ensure_ascii=False, indent=1)
    path.with_suffix(".json").write_text(f"{text}\n", encoding="utf-8")
    return path
