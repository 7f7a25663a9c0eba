"""Runners of connectors: pull and session, cursors, health, clocks and deadlines."""
