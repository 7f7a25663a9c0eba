"""The archive: `hotline search`, `show`, `export`, `explain`."""
