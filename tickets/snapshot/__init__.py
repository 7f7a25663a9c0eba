"""Snapshot: the ticket as readers get it; built from decisions, changed, and split."""
