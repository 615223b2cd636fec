"""``teachrl doctor``: is this machine ready to train, and what would make it faster?"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from collections.abc import Callable

import typer

OPTIONAL = ("minigrid", "mujoco", "minari", "openai", "xllamacpp", "sentence-transformers", "ray")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def doctor() -> None:
    """Check the installation. Exits with 1 if something that is needed is missing."""
    _tell("python", f"{platform.python_version()} on {platform.platform()}")
    ready = True
    for name in needed_packages():
        ready = _package(name, needed=True) and ready
    for name in OPTIONAL:
        _package(name, needed=False)
    for what, check in (("torch", _torch), ("Box2D", _box2d), ("StumpTracks", _step)):
        ready = _check(what, check) and ready
    _tell("cores", f"{_cores()} usable of {os.cpu_count()}")
    if not any(name in os.environ for name in THREAD_VARIABLES):
        _tell("hint", "networks this small train faster on one thread: export OMP_NUM_THREADS=1")
    typer.echo("ready" if ready else "not ready: see the lines marked MISSING or FAILED")
    if not ready:
        raise typer.Exit(1)


def needed_packages() -> list[str]:
    """The packages that the installed teachrl names as its dependencies; teachrl itself where it is not installed."""
    try:
        requirements = importlib.metadata.requires("teachrl") or []
    except importlib.metadata.PackageNotFoundError:
        return ["teachrl"]
    return [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in requirements if "extra ==" not in line]


def _tell(what: str, text: str) -> None:
    typer.echo(f"{what:<22}{text}")


def _package(name: str, needed: bool) -> bool:
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        version = f"MISSING: pip install {name}" if needed else "not installed (optional)"
        _tell(name, version)
        return not needed
    _tell(name, version)
    return True


def _check(what: str, check: Callable[[], str]) -> bool:
    try:
        _tell(what, check())
    except Exception as error:
        # A broken installation can raise anything, and telling what is this command's whole purpose.
        _tell(what, f"FAILED: {type(error).__name__}: {error}")
        return False
    return True


def _torch() -> str:
    import torch

    if torch.cuda.is_available():
        return f"CUDA {torch.version.cuda}, {torch.cuda.get_device_name()}"
    return "no CUDA; students run on the CPU, which is what small networks want"


def _box2d() -> str:
    import Box2D

    return f"imports, version {Box2D.__version__}"


def _step() -> str:
    import gymnasium

    import teachrl_envs  # noqa: F401  (registers teachrl/...)

    env = gymnasium.make("teachrl/StumpTracks-v0")
    env.reset(seed=0)
    env.step(env.action_space.sample())
    env.close()
    return "steps"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
