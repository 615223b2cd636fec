"""Versions of the packages that decide the numbers of a run."""

from __future__ import annotations

import importlib.metadata
import os
import platform

VERSIONED = (
    *("teachrl", "gymnasium", "stable-baselines3", "torch", "numpy", "scikit-learn", "scipy"),
    *("box2d", "mujoco", "minigrid"),
)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide the numbers, and the machine in a word."""
    found = {"python": platform.python_version(), "machine": f"{platform.machine()}, {os.cpu_count()} cores"}
    for package in VERSIONED:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found
