"""Monitor: workers, lag, silent accounts and unanswered hand-overs, as an operator needs them at night."""
