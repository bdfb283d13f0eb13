"""A real, strict S3: Ceph's RADOS Gateway with one monitor and one disk in a folder of its own.

Signatures are enforced; multipart uploads, versions, policies, object lock and encryption work. Starting takes some
ten seconds.
"""

import base64
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import obstore
import pytest
from obstore.store import S3Store

from tests.components.ports import free_port, wait_until

PROGRAMS = ("monmaptool", "ceph-mon", "ceph-osd", "ceph", "radosgw", "radosgw-admin")
GATEWAY = "client.rgw.a"
START_SECONDS = 120
MONITOR_ATTEMPTS = 5
REGION = "us-east-1"
KMS_KEY = "testkey-1"
"""A key of the gateway's key management for encryption by SSE-KMS."""

# The disk places itself by hand: what it would say at its start comes too early for the monitor now and then.
CONFIGURATION = """\
[global]
fsid = {fsid}
mon host = v1:127.0.0.1:{monitor_port}
ms bind msgr2 = false
public network = 127.0.0.0/8
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd crush chooseleaf type = 0
osd pool default pg num = 8
mon max pg per osd = 1000
run dir = {home}/run
pid file = {home}/run/$name.pid
admin socket = {home}/run/$name.asok
log file = {home}/log/$name.log
[mon]
mon data = {home}/mon/$id
mon data avail warn = 2
mon data avail crit = 1
[osd]
osd data = {home}/osd/$id
osd objectstore = bluestore
bluestore block size = 10737418240
bluestore block create = true
osd memory target = 939524096
osd crush update on start = false
osd class update on start = false
[{gateway}]
rgw frontends = beast endpoint=127.0.0.1:{gateway_port}
rgw data = {home}/rgw
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = "{kms_key}={kms_secret}"
"""


@dataclass(frozen=True)
class S3Server:
    """The address of an S3 server and a pair of keys for it."""

    url: str
    access_key: str
    secret_key: str

    @property
    def environment(self) -> dict[str, str]:
        """The AWS_* variables that every S3 client reads."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
        }

    def create_bucket(self) -> str:
        """Create an empty bucket and return its name."""
        name = f"test-{secrets.token_hex(6)}"
        keys = {"access_key_id": self.access_key, "secret_access_key": self.secret_key}
        bucket = S3Store(name, endpoint=self.url, region=REGION, client_options={"allow_http": True}, **keys)
        httpx.put(obstore.sign(bucket, "PUT", "", timedelta(minutes=1))).raise_for_status()
        return name


class RadosGateway:
    """One gateway with its cluster; ``server`` is how to reach it, ``open_parts`` what unfinished uploads left."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.server = S3Server(f"http://127.0.0.1:{free_port()}", secrets.token_hex(10), secrets.token_hex(20))

    def start(self) -> None:
        """Make the cluster and return once the gateway answers and knows our key."""
        for name in ("mon", "osd", "run", "log", "rgw"):
            (self.home / name).mkdir()
        fsid, port = str(uuid.uuid4()), free_port()
        settings = {"fsid": fsid, "monitor_port": port, "gateway_port": self.server.url.rpartition(":")[2]}
        settings |= {"kms_key": KMS_KEY, "kms_secret": base64.b64encode(secrets.token_bytes(32)).decode()}
        text = CONFIGURATION.format(home=self.home, gateway=GATEWAY, **settings)
        (self.home / "ceph.conf").write_text(text)
        self._start_monitor(fsid, port)
        self._start_disk()
        self._call("radosgw", "-n", GATEWAY)
        wait_until(lambda: answers(self.server.url), "the RADOS gateway", START_SECONDS, pause=0.2)
        keys = (f"--access-key={self.server.access_key}", f"--secret-key={self.server.secret_key}")
        self._admin("user", "create", "--uid=dev", "--display-name=dev", *keys)

    def stop(self) -> None:
        """End gateway, disk and monitor by their ids, without time to tidy up: nothing of them is kept."""
        for name in (GATEWAY, "osd.0", "mon.a"):
            pid_file = self.home / "run" / f"{name}.pid"
            if pid_file.exists():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid_file.read_text()), signal.SIGKILL)

    def open_parts(self, bucket: str) -> int:
        """Return how many pieces of unfinished multipart uploads the bucket holds."""
        usage = json.loads(self._admin("bucket", "stats", f"--bucket={bucket}"))["usage"]
        return int(usage.get("rgw.multimeta", {}).get("num_objects", 0))

    def _start_monitor(self, fsid: str, port: int) -> None:
        monitors = str(self.home / "monmap")
        self._call(
            "monmaptool", "--create", "--clobber", "--fsid", fsid, "--addv", "a", f"[v1:127.0.0.1:{port}]", monitors
        )
        as_root = ("--setuser", "root", "--setgroup", "root") if os.geteuid() == 0 else ()
        self._call("ceph-mon", "--mkfs", "-i", "a", "--monmap", monitors, *as_root)
        self._call("ceph-mon", "-i", "a")

    def _start_disk(self) -> None:
        number = self._ceph("osd", "create").strip()
        (self.home / "osd" / number).mkdir()
        self._call("ceph-osd", "-i", number, "--mkfs", "--osd-uuid", str(uuid.uuid4()), "--no-mon-config")
        place = ("root=default", f"host={socket.gethostname().partition('.')[0]}")
        self._ceph("osd", "crush", "add", f"osd.{number}", "1.0", *place)
        self._call("ceph-osd", "-i", number)

    def _ceph(self, *arguments: str) -> str:
        """Tell the monitor something, again where it is not yet listening: it then says that it is not permitted."""
        for _ in range(MONITOR_ATTEMPTS):
            try:
                return self._call("ceph", *arguments)
            except RuntimeError as error:
                if "EPERM" not in str(error):
                    raise
                failure = error
        raise failure

    def _admin(self, *arguments: str) -> str:
        return self._call("radosgw-admin", "-n", GATEWAY, *arguments)

    def _call(self, program: str, *arguments: str) -> str:
        # Output goes to files: a daemon inherits them, and a pipe would never see its end.
        out, err = self.home / "out", self.home / "err"
        with out.open("w") as stdout, err.open("w") as stderr:
            done = subprocess.run(
                [program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env={**os.environ, "CEPH_CONF": str(self.home / "ceph.conf")},
                timeout=START_SECONDS,
                check=False,
            )
        if done.returncode != 0:
            raise RuntimeError(f"{program} exited with {done.returncode}:\n{out.read_text()}{err.read_text()}")
        return out.read_text()


def answers(url: str) -> bool:
    """Return whether an HTTP server answers at ``url``, whatever it says."""
    try:
        httpx.get(url)
    except httpx.TransportError:
        return False
    return True


@pytest.fixture(scope="session")
def rados_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RadosGateway]:
    """Yield a running RADOS gateway; skip where Ceph is not installed."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        pytest.skip(f"Ceph is not installed: {', '.join(missing)} not on PATH")
    gateway = RadosGateway(tmp_path_factory.mktemp("rgw"))
    try:
        gateway.start()
        yield gateway
    finally:
        gateway.stop()
        shutil.rmtree(gateway.home / "osd", ignore_errors=True)
