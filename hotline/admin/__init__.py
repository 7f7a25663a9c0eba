"""Administration: topics, ACLs, dead letters, audit, commands and replies in Kafka and Elasticsearch."""
