"""Administrative divisions (行政区划) and the patterns of place names."""
