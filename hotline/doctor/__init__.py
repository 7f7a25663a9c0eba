"""`hotline doctor`: connects to every service and says of each fault, in one sentence, what to do next."""
