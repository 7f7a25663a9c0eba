"""HTTP on both sides: the receiver of all push channels with its limits, and the client."""
