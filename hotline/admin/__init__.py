"""What operators change and list in Kafka and Elasticsearch: topics, ACLs, dead letters, audit, commands, replies."""
