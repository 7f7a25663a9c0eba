"""`hotline try`: one message through the stages, without a server."""
