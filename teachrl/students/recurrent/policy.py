"""A policy and a value with a memory: an LSTM between an encoder of observations and two heads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, cast

import torch
from gymnasium import spaces
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent, Normal

from teachrl.errors import UsageError

CELL_CHANNELS, DIRECTIONS = 3, 4  # of a flat grid observation
GRID_FILTERS, DIRECTION_FEATURES = 16, 5


class ResettingLSTM(nn.Module):
    """An LSTM over sequences in which new episodes begin: there its memory is set to zero first.

    A loop over the steps, with the projection of all inputs done beforehand. On a CPU this takes half the time of
    `torch.nn.LSTM` on the episodes' pieces padded to one length. Gates are ordered as in `torch.nn.LSTM`.
    """

    def __init__(self, inputs: int, size: int) -> None:
        super().__init__()
        self.project = nn.Linear(inputs, 4 * size)
        self.recur = nn.Linear(size, 4 * size, bias=False)
        for layer in (self.project, self.recur):
            nn.init.orthogonal_(layer.weight)
        nn.init.zeros_(self.project.bias)

    def forward(self, inputs: Tensor, memory: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
        """From ``inputs (T, N, D)``, ``memory (N, 2 size)`` before them and ``starts (T, N)``, bool.

        Returns the outputs ``(T, N, size)`` and the memory after them: hidden state and cell state side by side.
        """
        hidden, cell = memory.chunk(2, dim=-1)
        weights = self.recur.weight.T
        outputs = []
        # The gradient of unbind is one stack; that of indexing would be an array of full size for every step.
        kept = (~starts).to(inputs.dtype).unsqueeze(-1).unbind()
        for projected, keep in zip(self.project(inputs).unbind(), kept, strict=True):
            entry, forget, content, exit_ = torch.addmm(projected, hidden * keep, weights).chunk(4, dim=-1)
            cell = torch.sigmoid(forget) * (cell * keep) + torch.sigmoid(entry) * torch.tanh(content)
            hidden = torch.sigmoid(exit_) * torch.tanh(cell)
            outputs.append(hidden)
        return torch.stack(outputs), torch.cat([hidden, cell], dim=-1)


class GridEncoder(nn.Module):
    """The maze student's eyes: 16 filters of 3 x 3 cells over the view, ReLU, beside 5 numbers for the direction.

    For flat observations of ``view * view * 3 + 4`` numbers: the cells row by row, then the direction as one of four.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.view = math.isqrt(max(inputs - DIRECTIONS, 0) // CELL_CHANNELS)
        if self.view < 3 or self.view**2 * CELL_CHANNELS + DIRECTIONS != inputs:
            raise UsageError(
                "student option encoder: 'grid' needs observations of view * view * 3 + 4 numbers with a view of 3 or "
                f"more, as those of teachrl/Maze-v0; these have {inputs}. Give widths of layers instead, such as [64]"
            )
        self.cells = _orthogonal(nn.Conv2d(CELL_CHANNELS, GRID_FILTERS, 3), math.sqrt(2))
        self.direction = _orthogonal(nn.Linear(DIRECTIONS, DIRECTION_FEATURES), 1.0)
        self.size = GRID_FILTERS * (self.view - 2) ** 2 + DIRECTION_FEATURES

    def forward(self, observations: Tensor) -> Tensor:
        """Features ``(T, N, size)`` of ``observations (T, N, inputs)``."""
        cells, direction = observations.tensor_split([-DIRECTIONS], dim=-1)
        image = cells.reshape(-1, self.view, self.view, CELL_CHANNELS).permute(0, 3, 1, 2)
        seen = torch.relu(self.cells(image)).reshape(*observations.shape[:2], -1)
        return torch.cat([seen, self.direction(direction)], dim=-1)


class RecurrentPolicy(nn.Module):
    """Encoder, `ResettingLSTM`, and for policy and value each a layer of tanh and a linear one.

    ``encoder``: widths of ReLU layers, none for an LSTM that sees the observations themselves, or ``"grid"`` for
    `GridEncoder`. Weights are orthogonal, with gains √2 in the layers within, 1 in the LSTM and the value, 0.01 in the
    policy. Discrete actions are categorical; those in a box are Gaussian, with a learnt standard deviation each.
    """

    def __init__(
        self,
        inputs: int,
        action_space: spaces.Space[Any],
        encoder: Sequence[int] | Literal["grid"],
        hidden_size: int,
        head_size: int,
    ) -> None:
        super().__init__()
        self.encoder: nn.Module
        if encoder == "grid":
            self.encoder = grid = GridEncoder(inputs)
            features = grid.size
        else:
            widths = [inputs, *encoder]
            layers = [(_orthogonal(nn.Linear(a, b), math.sqrt(2)), nn.ReLU()) for a, b in pairwise(widths)]
            self.encoder = nn.Sequential(*(module for layer in layers for module in layer))
            features = widths[-1]
        self.lstm = ResettingLSTM(features, hidden_size)
        self.discrete = isinstance(action_space, spaces.Discrete)
        outputs = int(cast(spaces.Discrete, action_space).n) if self.discrete else math.prod(action_space.shape or ())
        self.actor = _head(hidden_size, head_size, outputs, gain=0.01)
        self.critic = _head(hidden_size, head_size, 1, gain=1.0)
        self.log_std = None if self.discrete else nn.Parameter(torch.zeros(outputs))

    def forward(self, observations: Tensor, memory: Tensor, starts: Tensor) -> tuple[Distribution, Tensor, Tensor]:
        """The distribution of actions, the values ``(T, N)`` and the memory afterwards; see `ResettingLSTM`."""
        outputs, memory = self.lstm(self.encoder(observations), memory, starts)
        means = self.actor(outputs)
        distribution: Distribution
        if self.log_std is None:
            distribution = Categorical(logits=means, validate_args=False)
        else:
            normal = Normal(means, self.log_std.exp().expand_as(means), validate_args=False)
            distribution = Independent(normal, 1, validate_args=False)
        return distribution, self.critic(outputs).squeeze(-1), memory


def _head(inputs: int, width: int, outputs: int, gain: float) -> nn.Sequential:
    inner, outer = _orthogonal(nn.Linear(inputs, width), math.sqrt(2)), _orthogonal(nn.Linear(width, outputs), gain)
    return nn.Sequential(inner, nn.Tanh(), outer)


def _orthogonal(layer: nn.Linear | nn.Conv2d, gain: float) -> nn.Linear | nn.Conv2d:
    nn.init.orthogonal_(layer.weight, gain)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
