"""The page of one ticket, masked."""
