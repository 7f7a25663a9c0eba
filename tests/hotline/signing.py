"""Who gives commands in a test: the machine's user, and a key of his for a Kafka that is not the local stack's."""

from hotline.config.command_signers import principal
from hotline.config.settings import Settings

US = principal(Settings())

SIGNING = {
    "HOTLINE_COMMAND_KEYS__US__SECRET": "planted-key-of-commands-of-32-bytes-or-more",
    "HOTLINE_COMMAND_KEYS__US__AUTHOR": US,
    "HOTLINE_COMMAND_KEYS__US__KINDS": '["set_status", "forget", "redact", "set_deadline"]',
    "HOTLINE_COMMAND_KEYS__US__JURISDICTIONS": '["110000", "210100"]',
}
