"""Two threads that first read a type at once: msgspec itself ends the process by a segmentation fault."""

import subprocess
import sys

SCRIPT = '''
import sys, threading
import msgspec
from schemas.codec import built, decode

began, seen = threading.Event(), []

def second():
    began.wait()
    seen.append(decode(b'{"inner": {"number": 1}}', Outer).inner.number)

def slow():
    """Let the second thread have the half built type, for as long as it needs to run into it."""
    began.set()
    other.join(1.0)
    return int

class Inner(msgspec.Struct):
    number: "slow()"

class Outer(msgspec.Struct):
    inner: Inner

other = threading.Thread(target=second)
other.start()
READ
other.join()
print(seen)
'''


def ended(read: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("READ", read)], capture_output=True, text=True, timeout=120, check=False
    )


def test_a_second_thread_waits_until_a_type_is_built() -> None:
    done = ended("built(Outer)")
    assert (done.returncode, done.stdout) == (0, "[1]\n"), done.stderr


def test_a_second_thread_waits_for_the_first_that_reads() -> None:
    done = ended('decode(b\'{"inner": {"number": 2}}\', Outer)')
    assert (done.returncode, done.stdout) == (0, "[1]\n"), done.stderr


def test_records_are_built_by_their_import() -> None:
    """Later builds find them finished, whatever module makes them."""
    script = "import schemas.records as r, schemas.codec as c; print(len({*r.RECORDS.values()} - c._decoders.keys()))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"
