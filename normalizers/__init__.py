"""Bytes to messages: pure functions of one raw record and a policy; no clock, no network, no logger."""
