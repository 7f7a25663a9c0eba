"""Call files: call records as lines of CSV files, in a folder that another system fills or appends to."""
