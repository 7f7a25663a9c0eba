"""Readers of formats and values that several channels share: JSON, XML, times, codes, coordinates."""
