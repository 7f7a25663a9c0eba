"""Erasure and redaction, their tombstones and digests, and the audit records."""
