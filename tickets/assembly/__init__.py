"""Reassembly: the parts of a long SMS, and the records of a call."""
