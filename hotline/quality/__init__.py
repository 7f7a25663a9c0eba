"""How right the pipeline is: `evaluate`, `learn` and `replay`."""
