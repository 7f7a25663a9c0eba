"""The platform's API on loopback, and accounts that ask it."""

from collections.abc import Callable, Iterator

import pytest
from pydantic import SecretStr

from connectors.wechat.api import Access, Api
from hotline.dev.demo.wechat_api import WeChatApi


@pytest.fixture
def platform() -> Iterator[WeChatApi]:
    with WeChatApi().running() as running:
        yield running


@pytest.fixture
def make_api(platform: WeChatApi) -> Iterator[Callable[..., Api]]:
    made: list[Api] = []

    def make(kind: str = "official", **options: object) -> Api:
        access = Access(kind, "wx1", SecretStr("app-secret"), platform.url)  # type: ignore[arg-type] # a literal
        made.append(Api(access, **options))  # type: ignore[arg-type] # the clock
        return made[-1]

    yield make
    for api in made:
        api.close()


@pytest.fixture
def api(make_api: Callable[..., Api]) -> Api:
    return make_api()
