"""What waits and why: shares of senders, records behind others, back-fill, and the lag of the stages below."""
