"""A systemd of its own over this machine's files: it sees no network, and nothing is left of it afterwards."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.peers.presence import missing, require
from tests.waiting import until

SYSTEMD = Path("/lib/systemd/systemd")
_MAY_NOT = (
    "no systemd of its own can be booted here: run as root of a machine with systemd, unshare, nsenter and cgroups"
)
_BOOT = """
set -e
root=$1/root
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$root"
mkdir -p "$root/opt/hotline/.venv/bin" "$root/opt/checkout" "$root/opt/site" "$root/opt/python"
mount --bind "$2" "$root/opt/checkout"
mount --bind "$3" "$root/opt/site"
mount --bind "$4" "$root/opt/python"
mount -t proc proc "$root/proc"
mount -o bind,ro "$root/proc/sys" "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for one in null zero full random urandom tty; do touch "$root/dev/$one"; mount --bind "/dev/$one" "$root/dev/$one"; done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
for one in dev/shm tmp; do mount -t tmpfs -o mode=1777 tmpfs "$root/$one"; done
# None of the services that this machine happens to have.
for one in etc/systemd/system etc/init.d var/log; do mount -t tmpfs -o mode=755 tmpfs "$root/$one"; done
cd "$root"
mkdir -p former
pivot_root . former
umount -l /former
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=other \\
    /lib/systemd/systemd --unit=multi-user.target --log-target=journal
"""
_HOTLINE = f"""#!/bin/sh
export PYTHONPATH=/opt/checkout:/opt/site PYTHONDONTWRITEBYTECODE=1 LD_LIBRARY_PATH=/opt/python/lib
exec /opt/python/bin/python{sys.version_info.major}.{sys.version_info.minor} -m hotline "$@"
"""


class PrivateSystemd:
    """The machine as those in it see it: /opt/hotline has this checkout."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def run(self, *command: str, check: bool = True, script: str | None = None) -> str:
        """Run a command in it, which may read a script; return what it writes."""
        within = ["nsenter", "-t", f"{self._pid}", "-a", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *command]
        done = subprocess.run(within, input=script, capture_output=True, text=True, check=False, timeout=120)
        assert not (check and done.returncode), (command, done.stdout, done.stderr)
        return done.stdout

    def shows(self, unit: str, *properties: str) -> dict[str, str]:
        """Return properties of a unit by their names."""
        lines = self.run("systemctl", "show", f"--property={','.join(properties)}", unit).splitlines()
        return dict(line.split("=", 1) for line in lines)


@contextmanager
def booted(folder: Path, checkout: Path) -> Iterator[PrivateSystemd]:
    """Boot one as long as a `with` block lasts; what it writes is in memory, and is gone then."""
    groups = next((one for one in map(Path, ("/sys/fs/cgroup/unified", "/sys/fs/cgroup")) if _is_ours(one)), None)
    require(None if os.geteuid() == 0 and SYSTEMD.exists() and groups else _MAY_NOT)
    for command in ("unshare", "nsenter", "pivot_root"):
        require(missing(command))
    assert groups is not None
    group = groups / f"hotline-test-{os.getpid()}"
    group.mkdir()
    folder.mkdir()
    places = [folder, checkout, sysconfig.get_path("purelib"), sys.base_prefix]
    spaces = "--cgroup --mount --uts --ipc --pid --net --fork --propagation private"
    script = f'echo $$ > {group}/cgroup.procs && exec unshare {spaces} sh -c "$0" boot "$@"'
    process = subprocess.Popen(
        ["sh", "-c", script, _BOOT, *map(str, places)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        machine = PrivateSystemd(until(lambda: _first(process), seconds=30))
        machine.run(
            "sh",
            "-c",
            "cat > /opt/hotline/.venv/bin/hotline && chmod 755 /opt/hotline/.venv/bin/hotline",
            script=_HOTLINE,
        )
        yield machine
    finally:
        with suppress(psutil.Error):
            for one in psutil.Process(process.pid).children():
                one.kill()  # with the first process of a name space all others of it end
        process.wait(30)
        assert process.stderr is not None
        process.stderr.close()
        _clear(group)


def _is_ours(groups: Path) -> bool:
    return (groups / "cgroup.procs").exists() and os.access(groups, os.W_OK)


def _first(process: "subprocess.Popen[str]") -> int | None:
    """Return the first process of the machine once it is up."""
    if process.poll() is not None:
        assert process.stderr is not None
        require(f"{_MAY_NOT} ({process.stderr.read().strip()})")
    for one in psutil.Process(process.pid).children():
        with suppress(psutil.Error):
            if one.exe() == os.path.realpath(SYSTEMD) and _is_up(one.pid):
                return one.pid
    return None


def _is_up(pid: int) -> bool:
    command: Sequence[str] = ["nsenter", "-t", f"{pid}", "-a", "systemctl", "is-system-running"]
    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30).stdout.strip()
    return told in ("running", "degraded")


def _clear(group: Path) -> None:
    until(lambda: not (group / "cgroup.procs").read_text().strip())
    for one in sorted(group.rglob("*"), reverse=True):
        if one.is_dir():
            one.rmdir()
    group.rmdir()
