"""A normalising flow with a condition: the setter of Setter-Solver.

Source: Racanière et al. 2020 (arXiv 1909.12892), appendix; the flow is Real NVP (Dinh et al. 2017, arXiv 1605.08803):
couplings that keep some coordinates and scale and shift the others by networks of those and the condition.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from teachrl.nn.networks import xavier

BLOCKS = 3
HIGHWAY_LAYERS = 3
SMALLEST_SCALE = 0.01
UNIT_SCALE_AT = 0.9131653  # where a coupling's scale is 1
# The logits of 0 and 1 are infinite; tasks at a bound count as this far inside.
MARGIN = 1e-4


class ConditionalFlow(nn.Module):
    """Maps Gaussian latents ``(n, size)`` and conditions ``(n, 1)`` to points in the open unit cube, and back.

    ``identity`` starts with scales of 1 and shifts of 0: the first points are spread over the cube. Otherwise it starts
    as published, with scales near 1/3 whose product over all couplings puts the first points close together.
    """

    def __init__(self, rng: np.random.Generator, size: int, hidden_size: int, identity: bool) -> None:
        super().__init__()
        left, even = np.arange(size) < size // 2, np.arange(size) % 2 == 0
        # A coupling that would change nothing, as with a single coordinate, is left out.
        masks = [mask for mask in (left, ~left, even) if not mask.all()]
        self.couplings = nn.ModuleList(
            Coupling(rng, mask, hidden_size, identity) for _ in range(BLOCKS) for mask in masks
        )

    def forward(self, latents: Tensor, conditions: Tensor) -> tuple[Tensor, Tensor]:
        """Points ``(n, size)`` of latents, and their log-densities ``(n,)`` in the cube."""
        log_density = -0.5 * (latents.square() + math.log(2 * math.pi)).sum(1)
        values = latents
        for coupling in self.couplings:
            scale, shift = coupling(values, conditions)
            values = values * scale + shift
            log_density = log_density - scale.log().sum(1)
        return torch.sigmoid(values), log_density - _log_slope(values)

    def inverse(self, points: Tensor, conditions: Tensor) -> tuple[Tensor, Tensor]:
        """Latents ``(n, size)`` of points, and the log-densities ``(n,)`` of the points."""
        values = torch.logit(points, eps=MARGIN)
        log_density = -_log_slope(values)
        for coupling in reversed(self.couplings):
            scale, shift = coupling(values, conditions)
            values = (values - shift) / scale
            log_density = log_density - scale.log().sum(1)
        return values, log_density - 0.5 * (values.square() + math.log(2 * math.pi)).sum(1)


class Coupling(nn.Module):
    """Scale and shift of the coordinates outside ``kept``, as two highway networks of those inside.

    Both networks run side by side as a batch of two. Coordinates inside get scale 1 and shift 0.
    """

    kept: Tensor

    def __init__(self, rng: np.random.Generator, kept: np.ndarray, hidden_size: int, identity: bool) -> None:
        super().__init__()
        size = len(kept)
        self.register_buffer("kept", torch.from_numpy(kept.astype(np.float32)), persistent=False)
        self._offset = UNIT_SCALE_AT if identity else 0.0
        widths = [(size + 1, hidden_size)] + [(hidden_size, 2 * hidden_size)] * HIGHWAY_LAYERS + [(hidden_size, size)]
        weights = [xavier(rng, 2, inputs, outputs) for inputs, outputs in widths]
        if identity:
            weights[-1].zero_()
        self.weights = nn.ParameterList(weights)
        self.biases = nn.ParameterList(torch.zeros(2, 1, outputs) for _, outputs in widths)

    def forward(self, values: Tensor, conditions: Tensor) -> tuple[Tensor, Tensor]:
        """Scale and shift, ``(n, size)`` each."""
        inputs = torch.cat([values * self.kept, conditions], dim=1).expand(2, -1, -1)
        first, *highway, last = zip(self.biases, self.weights, strict=True)
        hidden = torch.tanh(torch.baddbmm(first[0], inputs, first[1]))
        for bias, weight in highway:
            new, gate = torch.baddbmm(bias, hidden, weight).chunk(2, dim=-1)
            hidden = torch.lerp(hidden, torch.tanh(new), torch.sigmoid(gate))
        scale, shift = torch.baddbmm(last[0], hidden, last[1])
        return self.kept + (1 - self.kept) * (SMALLEST_SCALE + _softplus(scale + self._offset)), (1 - self.kept) * shift


def _softplus(x: Tensor) -> Tensor:
    """A smooth positive function that grows like x, and falls to 0 like 1/x² instead of exponentially."""
    return x * (torch.atan(x) / math.pi + 0.5) + 1 / math.pi


def _log_slope(values: Tensor) -> Tensor:
    """The logarithm of the sigmoid's slope, summed over coordinates."""
    return (logsigmoid(values) + logsigmoid(-values)).sum(1)
