"""Quality of the decisions: `evaluate`, `learn` and `replay`."""
