"""The ticket as others read it: built from decisions, changed, and divided."""
