"""Consumer groups of the stages; offsets, rights and alarms use these names, so they never change."""

SCREEN = "hotline-screen"
SCREEN_LOST = "hotline-screen-lost"
NORMALIZE = "hotline-normalize"
ASSIGN = "hotline-assign"


def transactional_id(partition: int) -> str:
    """Return the transactional id of a partition: the producer that starts with it last fences the earlier ones."""
    return f"{ASSIGN}-{partition}"
