"""What worker processes of tests have from their first moment on: imported in the process that they are forked off."""

import gc
import importlib
import inspect

from normalizers.rules import DEFAULT_RULES
from normalizers.text.sounds import sounds
from tests.tickets.said import said
from tickets.masking.precompute import prepare

USED = (
    "connectors.backoffice.api",
    "connectors.media_fetch.consumer",
    "connectors.publish.durable_publisher",
    "connectors.mailbox.connector",
    "connectors.mailbox.reply",
    "connectors.mailbox.smtp",
    "connectors.replies.account",
    "connectors.replies.service",
    "connectors.replies.render",
    "connectors.replies.delivery_reports",
    "connectors.publish.publisher",
    "connectors.http.server",
    "connectors.sms_smpp.connector",
    "console.app",
    "faust.app.router",
    "faust.assignor.partition_assignor",
    "faust.fixups.django",
    "faust.tables.manager",
    "faust.tables.objects",
    "faust.tables.sets",
    "faust.tables.wrappers",
    "faust.topics",
    "faust.transport.utils",
    "faust.worker",
    "hotline.cli.app",
    "hotline.cli.run",
    "hotline.config.load",
    "hotline.runtime.audit_trail",
    "hotline.runtime.components_console",
    "hotline.runtime.disk_metrics",
    "hotline.admin.topics",
    "hotline.runtime.required_topics",
    "hotline.monitor.exporter",
    "hotline.config.routes",
    "hotline.runtime.logging",
    "hotline.runtime.components",
    "normalizers.enrich.address.crf",
    "normalizers.rulebooks",
    "sinks.elastic.sink",
    "sinks.elastic.consistency",
    "sinks.eraser",
    "sinks.runner",
    "sinks.webhook.run",
    "streams.engine.app",
    "streams.assign",
    "streams.normalize",
    "streams.screen",
    "tickets.receipts.render",
)
"""Commands, components and Faust import these when they are chosen."""

for name in USED:
    importlib.import_module(name)
inspect.getmodule(inspect.currentframe())  # Faust asks so for each agent: the first answer looks at every module's file
prepare(DEFAULT_RULES)
sounds("")  # reads its tables
said(1, "", "中山路12号的路灯坏了，我叫李小龙，电话13800138000")
gc.collect()
gc.freeze()  # a look of the collector would copy what is shared
