"""Routing proposals (派单建议) and the routing tables of a city."""
