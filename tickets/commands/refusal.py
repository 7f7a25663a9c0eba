"""Why a command is not carried out, in a sentence without any word of its sender."""


class RefusalError(Exception):
    """`code` is for machines, `reason` for people; both stay in the event log for years."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
