"""A mailbox that many write from: what the first of them wrote names them still when the twentieth has written."""

from normalizers.base import Policy
from normalizers.parse import ticket_tokens
from tests.tickets.said import decided, said, ticket_of
from tickets.masking.mask import mask_ticket

NAMES = [f"霁{one}溪" for one in "霄云岚雾露雪霜雨雷风晨暮朝夕春夏秋冬山川江河湖海林"]


def test_each_of_them_stays_hidden() -> None:
    first = said(
        0,
        "",
        f"路灯坏了，请{NAMES[6]}和{NAMES[7]}一起来看看",
        sender={"kind": "email", "value": "office@mail.example", "name": NAMES[0]},
    )
    token = ticket_tokens.make(f"210100-{first.message_id[:20]}", Policy())
    more = [
        said(n, "", f"第{n}次催办 {token}", sender={"kind": "email", "value": "office@mail.example", "name": name})
        for n, name in enumerate(NAMES[1:], 1)
    ]
    desk, decisions = decided([first, *more])
    ticket = ticket_of(desk, decisions[-1])
    assert ticket.message_count == len(NAMES)
    assert NAMES[6] in ticket.text
    masked = mask_ticket(ticket)
    assert not [name for name in NAMES if name in masked.text or name in masked.search_text]
