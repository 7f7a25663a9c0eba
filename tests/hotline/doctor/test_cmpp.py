"""The doctor at an ISMG: the way there, and no login that could end a running session."""

import asyncio

import pytest

from hotline.config.load import load
from hotline.doctor.accounts import cmpp
from hotline.doctor.findings import Finding, findings
from tests.peers.ismg import SECRET, SOURCE, Ismg

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

OWN = "HOTLINE_CONNECTORS__SMS_CMPP__CITY__"


async def found() -> Finding:
    (one,) = await asyncio.to_thread(lambda: list(findings("CMPP city", lambda: cmpp(load(), "city"))))
    return one


async def test_an_ismg_that_answers_is_not_logged_in_to(env: pytest.MonkeyPatch) -> None:
    async with Ismg() as ismg:
        for name, value in {"HOST": "127.0.0.1", "PORT": ismg.port, "SOURCE": SOURCE, "SECRET": SECRET}.items():
            env.setenv(OWN + name, str(value))
        assert ((one := await found()).outcome, one.detail) == (
            "ok",
            "the ISMG answers; only the connector tries the login",
        )
        assert ismg.logins == []
        env.setenv(f"{OWN}PORT", "1")
        assert (one := await found()).outcome != "ok"
        assert "`connectors.sms_cmpp.city.host` and `connectors.sms_cmpp.city.port` are right" in one.detail
