"""Connectors fetch bytes from where citizens write and publish them untouched."""
