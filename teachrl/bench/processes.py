"""Jobs as processes on this machine."""

from __future__ import annotations

import signal
import subprocess
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from teachrl.bench.jobs import Done, Job, carry_out


class Processes:
    """See `Pool`."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._threads = ThreadPoolExecutor(size)
        self._futures: set[Future[Done]] = set()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._stopped = False

    def submit(self, job: Job) -> None:
        """See `Pool`."""
        self._futures.add(self._threads.submit(carry_out, job, self._started))

    def _started(self, process: subprocess.Popen[bytes]) -> None:
        self._processes.append(process)
        if self._stopped:
            process.send_signal(signal.SIGTERM)

    def next_done(self) -> Done | None:
        """See `Pool`."""
        done, _ = wait(self._futures, timeout=1, return_when=FIRST_COMPLETED)
        if not done:
            return None
        future = done.pop()
        self._futures.remove(future)
        return future.result()

    def stop(self) -> None:
        """See `Pool`."""
        self._stopped = True
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)

    def close(self) -> None:
        """See `Pool`."""
        self._threads.shutdown()
