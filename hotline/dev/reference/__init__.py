"""The generated pages of docs/reference: what the code says of its settings, metrics, commands, topics and records."""
