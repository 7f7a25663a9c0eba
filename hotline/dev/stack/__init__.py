"""The local stack: a real Kafka and a real Elasticsearch that need nothing but Python."""
