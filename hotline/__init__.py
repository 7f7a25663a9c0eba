"""The front door: command line, settings, wiring, and the local stack."""
