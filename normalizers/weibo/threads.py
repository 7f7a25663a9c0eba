"""Thread ids: what one person says under one status is one conversation, whoever else talks there."""

from schemas.records import Thread


def thread(kind: str, identifier: str, uid: str, *answered: tuple[str, str]) -> Thread:
    """Return the thread of what `uid` says there; each of `answered` is a kind and an id that it belongs to as well.

    The uid is part of every id: under a status that thousands comment on, nobody's words lead to another's ticket.
    """
    own = _name(kind, identifier, uid)
    others = (_name(*each, uid) for each in answered if each[1])
    return Thread(message_id_header=own, references=tuple(dict.fromkeys((*others, own))))


def _name(kind: str, identifier: str, uid: str) -> str:
    return f"weibo:{kind}:{identifier}/{uid}"
