"""Phone (电话): call records that a call platform posts, each signed or with a token."""
