"""Skeletons of what a developer adds to a checkout: whole where all are alike, an error where a person must write."""

from typing import Literal

MARK = "not written yet"
"""Stands, with a colon and what is to be written, in each place that a skeleton leaves to its author."""

Kind = Literal["pull", "push", "session"]
"""We ask, are called, or hold a connection: the tables of `connectors.registry`."""
