"""Run-time of `hotline run`: components, processes, health, watchdog, logging."""
