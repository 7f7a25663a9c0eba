"""The consumer groups of the stages: offsets, rights and alarms go by these names for ever."""

SCREEN = "hotline-screen"
SCREEN_LOST = "hotline-screen-lost"
NORMALIZE = "hotline-normalize"
ASSIGN = "hotline-assign"


def transactional_id(partition: int) -> str:
    """Return what fences the former owner of a partition: whoever begins with it last may write."""
    return f"{ASSIGN}-{partition}"
