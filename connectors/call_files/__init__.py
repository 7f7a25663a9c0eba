"""Call files: records of calls as lines of CSV files, in a folder that is filled from elsewhere or grows by itself."""

from typing import TYPE_CHECKING

from connectors.call_files.settings import CallFilesSettings
from connectors.lazy import lazily

if TYPE_CHECKING:
    from connectors.call_files.connector import CallFiles
else:
    __getattr__ = lazily(__name__, CallFiles="connector")

__all__ = ["CallFiles", "CallFilesSettings"]
