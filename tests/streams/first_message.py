"""What the first messages of each channel make a stage read and compile, once it is declared: `screen` or `normalize`.

In a process of its own, as another test has long read all that there is.
"""

import json
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from obstore.store import MemoryStore

from broker.config import KafkaConnection
from normalizers.base import Policy
from streams import normalize, screen
from streams.engine.app import make_app
from streams.engine.input import raw_or_fault
from tests.contract.test_normalizers import SAMPLES, raw
from tests.streams.test_steps import kept

URGENT = "井盖坏了".encode(), "房子着火了,有人被困".encode()
COMPILER = "re._compiler.compile"


def main(stage: str) -> None:
    """Declare the stage, as a process does before it joins its group, and print what each message finds undone."""
    policy, connection = Policy(), KafkaConnection(bootstrap_servers="127.0.0.1:1", partitions=4)
    samples = SAMPLES | {f"{channel}, urgent": value.replace(*URGENT) for channel, value in SAMPLES.items()}
    records = {name: kept(raw(name.removesuffix(", urgent"), value).outbound()) for name, value in samples.items()}
    declared = {"screen": screen, "normalize": normalize}[stage]
    with TemporaryDirectory() as folder:
        declared.declare(make_app(stage, connection, Path(folder)), connection, MemoryStore(), policy)
    done: list[str] = []
    sys.addaudithook(lambda event, given: done.append(f"{event} {given[0]}") if event in ("open", "import") else None)
    told = {}
    with patch(COMPILER, side_effect=re._compiler.compile) as compiler:
        for name, record in records.items():
            if stage == "screen":
                found = screen.screen_chunk([(record, raw_or_fault(record))], policy)
                assert (len(found.handed), found.unheard) == (name.endswith("urgent"), [])
            else:
                normalize.step(record, raw_or_fault(record), policy)
            told[name] = [*done, *(str(call.args[0]) for call in compiler.call_args_list)]
            done.clear()
            compiler.reset_mock()
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])
