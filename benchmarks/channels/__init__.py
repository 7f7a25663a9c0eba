"""Every channel under the faults of its peer: sent, held, missing, doubled, and what a message costs."""
