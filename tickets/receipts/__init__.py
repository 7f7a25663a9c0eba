"""Receipts to citizens: whether one is due, and its text."""
