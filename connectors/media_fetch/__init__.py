"""Fetches files and events that a callback only announces, as jobs of their account."""
