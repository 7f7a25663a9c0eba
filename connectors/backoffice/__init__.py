"""The back offices' door: signed commands over HTTP, and what became of them."""
