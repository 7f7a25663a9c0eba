"""API for back offices: signed commands over HTTP, and their outcomes."""
