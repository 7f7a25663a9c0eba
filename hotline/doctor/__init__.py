"""`hotline doctor`: connects to every service and reports each fault in one sentence with the next action."""
