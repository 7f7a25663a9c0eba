"""For developers: the local stack, the demo, the generated references, the scaffold of a channel."""
