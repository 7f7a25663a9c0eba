"""A private Asterisk 22 from `.ci/asterisk_fetch.sh PREFIX`: SIP in, manager events and CDR files out.

It is started by its own loader, since it brings a libc of its own. Two random UDP ports of it are on all addresses.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.peers.dovecot import free_ports
from tests.peers.kamailio import HERE, free_udp_ports

VARIABLE = "HOTLINE_ASTERISK"
"""Where the fetched packages are unpacked."""

LIB = "usr/lib/x86_64-linux-gnu"
MODULES = """res_pjproject res_sorcery_config res_sorcery_astdb res_statsd res_geolocation res_sorcery_memory res_pjsip
res_pjsip_session res_pjsip_pubsub res_http_websocket chan_pjsip res_pjsip_caller_id res_pjsip_endpoint_identifier_ip
res_pjsip_sdp_rtp res_rtp_asterisk res_timing_timerfd bridge_simple pbx_config codec_ulaw app_userevent app_dial
func_callerid func_cdr func_channel cdr_csv cdr_manager cel_manager""".split()  # noqa: SIM905 - a list of names
START_SECONDS = 60.0

CONF = {
    "asterisk.conf": """[directories]
astetcdir => {dir}/etc
astmoddir => {prefix}/{lib}/asterisk/modules
astvarlibdir => {dir}/var
astdatadir => {prefix}/usr/share/asterisk
astdbdir => {dir}/var
astspooldir => {dir}/spool
astrundir => {dir}/run
astlogdir => {dir}/log
""",
    "modules.conf": "[modules]\nautoload = no\n" + "".join(f"load = {name}.so\n" for name in MODULES),
    "pjproject.conf": "",
    "logger.conf": "[logfiles]\nmessages = notice,warning,error\n",
    "manager.conf": """[general]
enabled = yes
bindaddr = 127.0.0.1
port = {ami}
[hotline]
secret = secret
read = call,cdr,user
write =
""",
    "pjsip.conf": """[transport]
type = transport
protocol = udp
bind = 127.0.0.1:{sip}
[citizens]
type = endpoint
context = hotline
disallow = all
allow = ulaw
[citizens]
type = identify
endpoint = citizens
match = 127.0.0.1
""",
    "extensions.conf": """[hotline]
exten => 12345,1,Answer()
 same => n,UserEvent(HotlineCall,Note: The lamp at 12 Zhongshan Road is broken,Agent: 8001)
 same => n,Wait(0.3)
 same => n,Hangup()
""",
    "cdr.conf": "[general]\nenable = yes\n[csv]\nusegmtime = yes\nloguniqueid = yes\nloguserfield = yes\n"
    "newcdrcolumns = yes\n",
    "cdr_manager.conf": "[general]\nenabled = yes\n[mappings]\nlinkedid => LinkedID\nsequence => Sequence\n",
    "cel.conf": "[general]\nenable = yes\napps = all\nevents = ALL\n[manager]\nenabled = yes\n",
}


def missing() -> str | None:
    """Return what is lacking, None when nothing is."""
    prefix = os.environ.get(VARIABLE)
    if not prefix or not (Path(prefix) / "usr/sbin/asterisk").exists():
        return f"{VARIABLE} names no Asterisk: .ci/asterisk_fetch.sh FOLDER unpacks one"
    return None if shutil.which("sipp") else "sipp is not installed (apt-get install sip-tester)"


class Asterisk:
    """A PBX whose extension 12345 answers, tells an agent's note and hangs up."""

    def __init__(self) -> None:
        self._prefix = Path(os.environ[VARIABLE]).resolve()
        self.ami, self._sip = free_ports(1), free_udp_ports(2)
        self.folder = Path(tempfile.mkdtemp(prefix="asterisk-"))
        self.records = self.folder / "log/cdr-csv"

    def __enter__(self) -> "Asterisk":
        for name in ("etc", "var", "spool", "run", "log/cdr-csv"):
            (self.folder / name).mkdir(parents=True)
        values = {"dir": self.folder, "prefix": self._prefix, "lib": LIB, "ami": self.ami, "sip": self._sip}
        for name, text in CONF.items():
            (self.folder / "etc" / name).write_text(text.format(**values), "utf-8")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.folder)

    def start(self) -> None:
        """Start it and wait for its manager interface."""
        libraries = self._prefix / LIB
        loader = [libraries / "ld-linux-x86-64.so.2", "--library-path", libraries, self._prefix / "usr/sbin/asterisk"]
        command = [*loader, "-C", self.folder / "etc/asterisk.conf", "-f"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self.ami), 1).close()
                return
            time.sleep(0.05)
        raise OSError((self.folder / "log/messages").read_text("utf-8", "replace")[-2000:])

    def kill(self) -> None:
        """End it with no warning."""
        self._process.kill()
        self._process.wait(60)

    def call(self, caller: str = "13800138000") -> None:
        """Let somebody call 12345 (SIPp, no media) until Asterisk hangs up."""
        scenario = (HERE / "sipp_call_until_bye.xml").read_text("utf-8").replace("13800138000", caller)
        (self.folder / "call.xml").write_text(scenario, "utf-8")
        command = ["sipp", "-sf", "call.xml", "-m", "1", "-i", "127.0.0.1", "-nostdin"]
        ports = ["-p", str(self._sip + 1), f"127.0.0.1:{self._sip}"]
        subprocess.run([*command, *ports], cwd=self.folder, stdout=subprocess.DEVNULL, timeout=30, check=True)
