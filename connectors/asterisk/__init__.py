"""Asterisk: follows calls live through the manager interface (AMI); the CDR file is the durable source."""
