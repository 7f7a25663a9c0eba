"""Asterisk: what its manager interface (AMI) tells of calls while they happen; the CDR file is the durable truth."""
