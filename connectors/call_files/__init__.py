"""Call files: records of calls as lines of CSV files, in a folder that is filled from elsewhere or grows by itself."""
