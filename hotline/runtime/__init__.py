"""What `hotline run` does: components, processes, health, watchdog, logging."""
