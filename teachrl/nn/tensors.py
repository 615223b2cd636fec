"""Trees of torch tensors as trees of arrays and JSON values, and back, so that no checkpoint needs pickle."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch


def set_threads(n: int) -> None:
    """Let torch use ``n`` threads in this process."""
    torch.set_num_threads(n)


def to_arrays(tree: Any) -> Any:
    """Copy every tensor into an array. Keys become strings: JSON has no others."""
    if isinstance(tree, torch.Tensor):
        return tree.detach().cpu().numpy().copy()
    if isinstance(tree, dict):
        return {f"#{key}" if isinstance(key, int) else key: to_arrays(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [to_arrays(value) for value in tree]
    return tree


def to_tensors(tree: Any, device: Any) -> Any:
    """The inverse of `to_arrays`, with tensors on ``device``."""
    if isinstance(tree, np.ndarray):
        return torch.from_numpy(np.array(tree)).to(device)
    if isinstance(tree, dict):
        return {int(k[1:]) if k.startswith("#") else k: to_tensors(v, device) for k, v in tree.items()}
    if isinstance(tree, list):
        return [to_tensors(value, device) for value in tree]
    return tree
