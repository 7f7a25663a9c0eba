"""Phone (电话): records of calls that a call platform posts, each signed or behind a token."""
