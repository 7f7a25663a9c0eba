"""Files and events that a callback only announces are fetched afterwards, as jobs of their account."""
