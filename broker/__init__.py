"""Kafka clients: their settings, and the faults of brokers and of the libraries that they get over."""
