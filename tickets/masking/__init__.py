"""Masks of personal data in a ticket's text, computed before and put in at the end."""
