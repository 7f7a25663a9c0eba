"""SMS over SMPP 3.4: a session for incoming messages and replies, with smpplib's codec."""
