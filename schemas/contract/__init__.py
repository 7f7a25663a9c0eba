"""The published contract of the records: JSON Schema, AsyncAPI, data contract, index templates, releases."""
