"""The archive in Elasticsearch: bodies, verdicts, templates, and the sink that uses them."""

from sinks.elastic.sink import ElasticSink
from sinks.elastic.templates import ensure_indices

__all__ = ["ElasticSink", "ensure_indices"]
