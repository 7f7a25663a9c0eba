"""Faust carries, orders and remembers; what is decided lies in normalizers/ and tickets/."""
