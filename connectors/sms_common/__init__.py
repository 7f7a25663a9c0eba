"""Shared by the protocols of short messages: the link and its frames, segmentation, sending, delivery reports."""
