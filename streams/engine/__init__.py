"""Chunks between Kafka and a stage: fetch, one worker a partition, one transaction, output, quarantine."""
