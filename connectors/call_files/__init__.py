"""Call files: records of calls as lines of CSV files, in a folder that is filled from elsewhere or grows by itself."""

from connectors.call_files.connector import CallFiles
from connectors.call_files.settings import CallFilesSettings

__all__ = ["CallFiles", "CallFilesSettings"]
