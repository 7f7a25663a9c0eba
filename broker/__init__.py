"""Kafka clients: connection settings, and workarounds for faults of brokers and client libraries."""
