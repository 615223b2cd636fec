"""Ray clusters for tests: several nodes on this machine, and one with a dashboard that takes jobs."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ray = pytest.importorskip("ray")
RAY = str(Path(sys.executable).with_name("ray"))
STORE = 10**8


@contextmanager
def nodes(*resources: dict[str, Any]) -> Iterator[Any]:
    """A cluster whose first node is the head, with these arguments of `ray start` each."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    head, *others = [{"object_store_memory": STORE, **one} for one in resources]
    cluster = Cluster(initialize_head=True, head_node_args={"include_dashboard": False, **head})
    try:
        for one in others:
            cluster.add_node(**one)
        cluster.wait_for_nodes()
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


@dataclass(frozen=True)
class JobCluster:
    """A cluster that takes jobs at ``address``; commands need ``environment`` for its token."""

    address: str
    environment: dict[str, str]

    def job(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`ray job ARGUMENTS`, such as ``"submit", ...``."""
        action, *rest = arguments
        command = [RAY, "job", action, "--address", self.address, *rest]
        return subprocess.run(command, check=False, env=self.environment, capture_output=True, text=True, timeout=300)


@contextmanager
def job_cluster(cpus: int) -> Iterator[JobCluster]:
    """As a user starts it: `ray start --head` with a token and a dashboard on the loopback address."""
    folder = Path(tempfile.mkdtemp(prefix="ray-"))  # short, because of the length that a socket's path may have
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(secrets.token_hex(32))
    own = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token), "RAY_USAGE_STATS_ENABLED": "0"}
    # The test session's Ray must not be taken for this one.
    environment = {**{k: v for k, v in os.environ.items() if k != "RAY_ADDRESS"}, **own}
    port, agent = _free_ports(2)
    options = {
        **{"port": 0, "num-cpus": cpus, "temp-dir": folder / "ray", "object-store-memory": STORE},
        **{"dashboard-host": "127.0.0.1", "dashboard-port": port, "dashboard-agent-listen-port": agent},
    }
    command = [RAY, "start", "--head", "--block", *(f"--{name}={value}" for name, value in options.items())]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        cluster = JobCluster(f"http://127.0.0.1:{port}", environment)
        _wait_for_it(cluster, process, folder / "log")
        yield cluster
    finally:
        process.terminate()
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for_it(cluster: JobCluster, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(20):
        if process.poll() is not None:
            break
        if cluster.job("list").returncode == 0:
            return
    pytest.fail(f"the cluster did not start: {log.read_text()}")


def _free_ports(n: int) -> list[int]:
    sockets = [socket.socket() for _ in range(n)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
