"""SMS over SMPP 3.4: a session of our own over smpplib's codec, for what citizens send and for what is answered."""
