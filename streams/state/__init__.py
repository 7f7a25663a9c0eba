"""The state of a partition: restored from checkpoint and log, and written down."""
