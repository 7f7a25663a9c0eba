"""The ISMG that our tests lean on is understood by a client of another hand, and takes it for one: pycmpp."""

import asyncio

import pytest

from tests.connectors.sms_cmpp.test_submit import submitted
from tests.peers import pip
from tests.peers.ismg import ACTIVE_TEST, RESPONSE, Ismg, frame
from tests.peers.leash import leash

pytestmark = pytest.mark.integration

LONG = "您的诉求已受理" * 15


async def test_a_foreign_sp_logs_in_and_submits() -> None:
    python = await asyncio.to_thread(pip.scripts, "pycmpp") / "python"
    async with Ismg(2) as ismg:
        program = str(pip.HERE / "pycmpp" / "sp.py")
        arguments = (str(python), program, str(ismg.port), "您的诉求已受理", LONG)
        sp = await asyncio.create_subprocess_exec(*arguments, preexec_fn=leash)
        try:
            await ismg.until(lambda: len(ismg.submitted) == 3, 30)
            ismg.write(frame(ACTIVE_TEST, 7))
            await ismg.until(lambda: ACTIVE_TEST | RESPONSE in ismg.got)
        finally:
            sp.kill()
            await sp.wait()
    assert [login[0] for login in ismg.logins] == ["900001"]
    short, *pieces = (submitted(body, 2) for body in ismg.submitted)
    assert short["content"].decode("utf-16-be") == "您的诉求已受理"
    assert short["to"] == b"13800138000"
    assert [piece["part"] for piece in pieces] == [(1, 2), (2, 2)]
    assert b"".join(piece["content"][6:] for piece in pieces).decode("utf-16-be") == LONG
