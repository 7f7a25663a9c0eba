"""What a decision may depend on besides the state and the input."""

from datetime import timedelta
from pathlib import Path

from msgspec import Struct

DEMO_QUERY_KEY = b"hotline demo query key: refused outside of try and demo"


class TicketPolicy(Struct, frozen=True, kw_only=True):
    """The rules of one deployment; a change of rules is a new `version`."""

    version: str = "2026.1"
    query_key: bytes = DEMO_QUERY_KEY
    evict_after: timedelta = timedelta(days=90)
    max_text_characters: int = 20_000
    max_attachments: int = 100
    max_identities: int = 20
    max_proposals: int = 50
    max_edges: int = 50
    max_cluster_moves: int = 5_000
    max_history: int = 20
    lineage_messages: int = 20
    rules_folder: Path | None = None
