"""The input log under other rules or code: decided anew in memory, compared with the record; nothing is written."""
