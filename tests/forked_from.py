"""What worker processes of tests have from their first moment on: imported in the process that they are forked off."""

import gc
import importlib

from tests.tickets.said import said
from tickets.foreseen import prepare

USED = (
    "connectors.publisher",
    "connectors.serving",
    "hotline.cli.app",
    "hotline.telemetry",
    "hotline.wiring",
    "sinks.elastic.elastic",
    "sinks.runner",
    "streams.app",
    "streams.assign",
    "streams.normalize",
    "streams.screen",
)
"""Commands and components import these when they are chosen."""

for name in USED:
    importlib.import_module(name)
prepare(None)
said(1, "", "中山路12号的路灯坏了，我叫李小龙，电话13800138000")
gc.collect()
gc.freeze()  # a look of the collector would copy what is shared
