"""Record linkage: blocking keys, similarity, conflicts and clusters of duplicates."""
