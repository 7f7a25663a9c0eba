"""Consumer groups of the sinks; their offsets, rights and alarms use these names, so they never change."""


def group_of(sink: str) -> str:
    """Return the consumer group of a sink, by its name."""
    return f"hotline-sink-{sink}"


def name_of(subscriber: str) -> str:
    """Return the name of the sink of a webhook's subscriber."""
    return f"webhook.{subscriber}"
