"""Faust stages: transport, order and state. Decisions are made in normalizers/ and tickets/."""
