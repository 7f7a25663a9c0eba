"""Addresses: divisions, roads, places and buildings in a text (地址解析)."""
