"""What the protocols of short messages share: segmentation, sending, delivery reports."""
