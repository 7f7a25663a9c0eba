"""Settings: their shape, where they are read from, and the checks of `hotline check`."""
