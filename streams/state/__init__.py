"""State of a partition: restored from checkpoint and log, and saved."""
