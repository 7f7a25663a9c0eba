"""Features by which two tickets are compared: terms, discriminators, circumstances, places, stance."""
