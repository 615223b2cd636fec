"""Eyes for grid worlds, for Stable-Baselines3's policies: convolutions over the cells that the agent sees.

The network of Words as Beacons 2024 (arXiv 2410.08632): three convolutions of 3 x 3 cells with stride 2 and 32 filters,
ELU; then, beside whatever else is observed, one layer of 256, ReLU, which policy and value share.
"""

from __future__ import annotations

from typing import cast

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from teachrl.errors import UsageError

CHANNELS, FILTERS, FEATURES = 3, 32, 256
LARGEST_CODE = 10


class GridExtractor(BaseFeaturesExtractor):
    """For flat observations whose first ``view * view * 3`` numbers are cells, row by row, as codes divided by 10.

    The convolutions see the codes themselves, 0 to 10. What follows the cells goes past them: direction, mission, a
    sub-goal. Raises `UsageError` for observations that are too short for the view.
    """

    def __init__(self, observation_space: spaces.Box, view: int = 7) -> None:
        super().__init__(observation_space, FEATURES)
        shape = observation_space.shape
        if view < 1 or len(shape) != 1 or shape[0] < view**2 * CHANNELS:
            raise UsageError(
                f"features_extractor_class 'grid' with a view of {view} needs flat observations of at least "
                f"{view} * {view} * 3 numbers, as those of teachrl/MiniGrid-v0; these have shape {shape}: set view in "
                "features_extractor_kwargs"
            )
        self.view, self.cells = view, view**2 * CHANNELS
        layers: list[nn.Module] = []
        size, channels = view, CHANNELS
        for _ in range(3):
            layers += [nn.Conv2d(channels, FILTERS, 3, stride=2, padding=1), nn.ELU()]
            size, channels = (size + 1) // 2, FILTERS
        self.convolutions = nn.Sequential(*layers, nn.Flatten())
        self.together = nn.Sequential(nn.Linear(size**2 * FILTERS + shape[0] - self.cells, FEATURES), nn.ReLU())

    def forward(self, observations: Tensor) -> Tensor:
        """Features ``(N, 256)`` of observations ``(N, numbers)``."""
        cells, others = observations[:, : self.cells], observations[:, self.cells :]
        image = LARGEST_CODE * cells.reshape(-1, self.view, self.view, CHANNELS).permute(0, 3, 1, 2)
        return cast(Tensor, self.together(torch.cat([self.convolutions(image), others], dim=1)))
