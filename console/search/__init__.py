"""The page of a search, masked, and its file."""
