"""The state of a city's partition, and its reducers: one effect for each event."""
