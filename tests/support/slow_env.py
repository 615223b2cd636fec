"""Environments that try the patience of those who wait for workers."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from tests.support.own_classes import Trap


class Slow(Trap):
    """In one process other than ``main``, the first that makes the file ``marker``, every step takes long."""

    def __init__(self, marker: str, main: int) -> None:
        super().__init__()
        file = Path(marker)
        if os.getpid() != main and not file.exists():
            file.write_text(str(os.getpid()))
        self._slow = file.exists() and file.read_text() == str(os.getpid())

    def step(self, action: Any) -> Any:
        if self._slow:
            time.sleep(0.02)
        return super().step(action)


class Deadly(Trap):
    """Its third step ends the process."""

    def step(self, action: Any) -> Any:
        if self._count == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().step(action)


class OnlyHere(Trap):
    """Cannot be made in a process other than ``main``."""

    def __init__(self, main: int) -> None:
        super().__init__()
        if os.getpid() != main:
            raise ValueError("not in this process")


class Noted(Trap):
    """Leaves a note in ``folder`` of the graphics cards that its process may see."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        (Path(folder) / f"card-{os.getpid()}").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", "all"))


class Wide(Trap):
    """Observations of 8,000 numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.observation_space = gym.spaces.Box(-1, 20, (8000,), np.float32)

    def _observation(self) -> Any:
        return np.full(8000, self._count, dtype=np.float32)
