"""Shared code of the short message protocols: link, frames, segmentation, sending, delivery reports."""
