"""The archive: `hotline search`, `show`, `export`, `explain`; `tickets/search.py` has the types of a search."""
