"""A journal on a disk of its own that becomes read-only, then full, each for a while: `probed.py FOLDER` tells of it.

Run where it may mount; says on standard error what is wrong with the journal after each change, then what is left.
"""

import asyncio
import subprocess
import sys
from functools import partial
from pathlib import Path

from connectors import metrics
from connectors.publish import durable_publisher
from connectors.publish.disk_buffer import Journal
from tests.connectors.pushed import Kafka
from tests.waiting import soon

durable_publisher.PROBE_SECONDS = 0.05


def run(*command: str | Path) -> None:
    """Run it to its end."""
    subprocess.run(command, check=True)


async def main(folder: Path) -> None:
    """Open it and change its disk four times."""
    keeping = await durable_publisher.opened(Kafka(), partial(Journal, folder), 0.2)
    working = asyncio.create_task(keeping.run())
    in_the_way = folder / "in the way"

    async def tell(*, is_wrong: bool) -> None:
        await soon(lambda: (keeping.fault is not None) is is_wrong, "nobody noticed", 20)
        assert metrics.JOURNALS_AWAY._value.get() == is_wrong
        print(keeping.fault, file=sys.stderr)

    run("mount", "--bind", folder, folder)
    run("mount", "-o", "remount,ro,bind", folder)
    await tell(is_wrong=True)
    run("umount", folder)
    await tell(is_wrong=False)
    in_the_way.write_bytes(bytes((1 << 20) - (32 << 10)))
    await tell(is_wrong=True)
    in_the_way.unlink()
    await tell(is_wrong=False)
    working.cancel()
    await asyncio.wait({working})
    await keeping.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
    print(*sorted(path.name for path in Path(sys.argv[1]).iterdir()), file=sys.stderr)
