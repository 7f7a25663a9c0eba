"""Debian's Chromium, driven by playwright; needs apt `chromium` and `fonts-noto-cjk`, and axe-core from npm."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from tests.peers import npm

PROGRAM = shutil.which("chromium") or ""
FONTS = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
AXE = Path(npm.__file__).parent / "axe"


def missing() -> str | None:
    """Return what this machine lacks to run it, None when it lacks nothing."""
    if not PROGRAM:
        return "chromium is not installed (apt-get install chromium)"
    return None if FONTS.is_file() else "Chinese fonts are not installed (apt-get install fonts-noto-cjk)"


def axe() -> str:
    """Return axe-core's script; skips the test when this machine cannot have it."""
    return (npm.modules(AXE) / "axe-core" / "axe.min.js").read_text("utf-8")


def artifacts() -> Path:
    """Return the folder of the screenshots."""
    folder = Path(os.environ.get("HOTLINE_ARTIFACTS", Path(__file__).parents[2] / "dist" / "screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Start a browser without a window, and end it."""
    async with async_playwright() as playwright:
        # A container has no user namespaces to make a sandbox of, and a small /dev/shm.
        started = await playwright.chromium.launch(
            executable_path=PROGRAM, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        try:
            yield started
        finally:
            await started.close()
