"""Endpoints of webhooks: reachable, with a trusted certificate and a permitted address. Nothing is sent to them."""

import socket
from collections.abc import Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hotline.doctor.findings import Told
from hotline.doctor.reach import Address, reach, trusting
from schemas.errors import MisconfiguredError
from sinks.webhook.ssrf import host_of, refusal

if TYPE_CHECKING:
    from hotline.config.settings import Settings
    from sinks.webhook import SubscriberSettings


def subscriber(settings: "Settings", name: str) -> Iterator[Told]:
    """Connect to one endpoint, with TLS if its URL says so."""
    chosen, setting = settings.sinks.webhook[name], f"sinks.webhook.{name}"
    url = urlsplit(chosen.url)
    address = Address(
        service=f"The receiver of webhook {name}",
        host=host_of(chosen.url),
        port=url.port or (443 if chosen.tls else 80),
        setting=f"{setting}.url",
        authorities=f"{setting}.ca_certs",
    )
    _see_that_we_may_ask(address, chosen)
    until = reach(address, trusting(chosen.ca_certs, address.authorities) if chosen.tls else None)
    certificate = f", certificate valid until {until:%Y-%m-%d}" if until else ""
    yield f"{chosen.endpoint} is reachable{certificate}; `hotline webhook test {name}` sends it a ping"


def _see_that_we_may_ask(address: Address, chosen: "SubscriberSettings") -> None:
    """Raise MisconfiguredError for a host that the sink would refuse; `reach` reports an unknown one."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return
    for *_, place in found:
        why = refusal(ip_address(str(place[0]).partition("%")[0]), allow_private=chosen.allow_private, tls=chosen.tls)
        if why:
            raise MisconfiguredError(f"`{address.setting}` {why}.")
