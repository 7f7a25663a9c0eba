"""The archive in Elasticsearch: bodies, verdicts, templates, and the sink that uses them."""
