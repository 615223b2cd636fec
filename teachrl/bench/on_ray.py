"""Jobs as tasks of a Ray cluster, whose machines share the bench's folder."""

from __future__ import annotations

import logging
import os
import signal
from typing import Any

import ray
from ray.exceptions import RayError, TaskCancelledError

from teachrl.bench.jobs import Done, Job, carry_out
from teachrl.errors import TeachrlError


class RayTasks:
    """See `Pool`. Each job has the cores and GPUs set aside that it uses, so as many run as the cluster has room for.

    A task that was lost with its machine comes back as failed; tried again, its run goes on from its checkpoint.
    """

    def __init__(self, address: str, size: int) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.WARNING, ignore_reinit_error=True)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise TeachrlError(f"there is no Ray cluster at {address}: {error}") from error
        self.size = size
        self._jobs: dict[Any, Job] = {}

    def submit(self, job: Job) -> None:
        """See `Pool`."""
        task = ray.remote(_carry_out).options(num_cpus=job.cpus, num_gpus=job.gpus, max_retries=0)
        self._jobs[task.remote(job)] = job

    def next_done(self) -> Done | None:
        """See `Pool`."""
        ready, _ = ray.wait(list(self._jobs), num_returns=1, timeout=1)
        if not ready:
            return None
        job = self._jobs.pop(ready[0])
        try:
            done: Done = ray.get(ready[0])
        except TaskCancelledError:
            return Done(job.cell, 1, "stopped")
        except RayError as error:
            return Done(job.cell, 1, str(error).strip().splitlines()[-1])
        return done

    def stop(self) -> None:
        """See `Pool`."""
        for reference in self._jobs:
            ray.cancel(reference)

    def close(self) -> None:
        """See `Pool`."""
        ray.shutdown()


def _carry_out(job: Job) -> Done:
    # Ray cancels as Ctrl-C would, to which nobody listens on a node that was started in the background of a shell.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return carry_out(job)
