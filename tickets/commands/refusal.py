"""Why a command is not carried out, in a sentence that holds nothing of what its sender wrote."""


class RefusalError(Exception):
    """`code` is for machines, `reason` for people; both stand in the event log for years."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
