"""Commands of clerks and back offices: carried out, or refused with the reason.

Pure; one function a kind, which raises RefusalError with a code and a sentence.
"""

from tickets.commands.registry import COMMANDS, changed_by, check, decide_command, erases, looks_back, lowered

__all__ = ["COMMANDS", "changed_by", "check", "decide_command", "erases", "looks_back", "lowered"]
