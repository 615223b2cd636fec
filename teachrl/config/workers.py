"""Settings of those who collect: how many, on what, and how patient the run is with them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from teachrl.config.settings import Number, Settings, Whole


class WorkerConfig(Settings):
    """Workers share ``env.n_envs`` evenly; each has a copy of the student that acts, and its own random streams."""

    count: Whole = Field(ge=1, le=4096, description="how many; env.n_envs is divided among them")
    mode: Literal["synchronous", "asynchronous"] = Field(
        default="synchronous",
        description="synchronous: the student learns when all have collected, and numbers repeat; asynchronous: when "
        "there are as many fragments as workers, whoever collected them",
    )
    staleness: Whole = Field(
        default=4, ge=0, le=1000, description="updates since a fragment's first step after which it is dropped"
    )
    device: str = Field(
        default="cpu", max_length=30, pattern=r"^(cpu|cuda(:\d+)?)$", description="where the copies act: cpu or cuda"
    )
    cpus: Number = Field(default=1, ge=0, le=1024, description="CPU cores that Ray sets aside for each")
    gpus: Number = Field(default=0, ge=0, le=64, description="GPUs that Ray sets aside for each, such as 0.25")
    placement: Literal["pack", "spread"] = Field(
        default="pack", description="over a cluster's nodes: pack, fill one before the next; spread, evenly"
    )
    patience: Number = Field(
        default=600, gt=0, le=10**6, description="seconds to wait for a worker before it counts as lost"
    )
    losses: Whole = Field(
        default=20, ge=0, le=10**6, description="workers lost in a row, without a whole fragment, before the run ends"
    )


ONLY_RAY = ("mode", "staleness", "cpus", "gpus", "placement", "patience", "losses")


def check_workers(backend: str, workers: WorkerConfig | None, n_envs: int) -> None:
    """Raise `ValueError` for settings that contradict each other."""
    if workers is None:
        if backend == "ray":
            raise ValueError("backend ray needs workers: say how many, as in workers: 2 or --workers 2")
        return
    if n_envs % workers.count:
        near = max(workers.count, round(n_envs / workers.count) * workers.count)
        raise ValueError(
            f"env.n_envs is shared evenly, and {n_envs} environments cannot be among {workers.count} workers: "
            f"set env.n_envs to {near}, for example"
        )
    given = [name for name in ONLY_RAY if getattr(workers, name) != WorkerConfig.model_fields[name].default]
    if backend == "local" and given:
        raise ValueError(f"workers.{given[0]} is for backend ray; workers of backend local take turns in one process")
    if workers.device != "cpu" and backend == "ray" and not workers.gpus:
        raise ValueError("workers.device cuda needs a share of a GPU: set workers.gpus, for example to 0.25")
