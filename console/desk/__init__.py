"""The emergency desk (值守): hand-overs that wait, answered by one key."""
