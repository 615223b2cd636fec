"""A policy that chooses one latent vector and is paid once: the teacher's own learner in CLUTR."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.distributions import Beta
from torch.nn import functional

from teachrl.nn.networks import Learner, perceptron, tensor

Numbers = NDArray[np.float64]
# A draw of exactly 0 or 1 would have no finite log-probability.
MARGIN = 1e-6


@dataclass(frozen=True)
class LatentPolicySettings:
    """``bound``: latents are in ``[-bound, bound]``; the rest are PPO's, with one minibatch of everything an epoch."""

    context_size: int
    latent_size: int
    bound: float
    hidden_size: int = 10
    learning_rate: float = 1e-4
    epochs: int = 5
    clip_range: float = 0.2
    value_coefficient: float = 0.5
    entropy_coefficient: float = 0.0
    gradient_norm: float = 0.5


class BetaNetwork(nn.Module):
    """A linear layer on the context, and from there linear heads: two parameters a latent number, and a value."""

    def __init__(self, rng: np.random.Generator, settings: LatentPolicySettings) -> None:
        super().__init__()
        sizes = [settings.context_size, settings.hidden_size]
        self.context = perceptron(rng, sizes, nn.Identity)
        heads = (settings.latent_size, settings.latent_size, 1)
        self.alpha, self.beta, self.value = (perceptron(rng, [settings.hidden_size, n], nn.Identity) for n in heads)

    def forward(self, contexts: Tensor) -> tuple[Beta, Tensor]:
        """Independent Beta distributions ``(n, latent)``, both parameters above 1, and values ``(n,)``."""
        hidden = self.context(contexts)
        alpha, beta = (1 + functional.softplus(head(hidden)) for head in (self.alpha, self.beta))
        return Beta(alpha, beta, validate_args=False), self.value(hidden)[:, 0]


@dataclass(frozen=True)
class Proposal:
    """Contexts ``(n, context)``, draws in the unit cube ``(n, latent)``, and their log-probabilities as latents."""

    contexts: Numbers
    unit: Numbers
    log_probs: Numbers


class LatentPolicy:
    """Draws latents from Beta distributions rescaled to ``[-bound, bound]`` and learns from one reward each, by PPO.

    The log-probability is that of the latent, with the volume of the rescaling in it. With a horizon of one step, a
    reward needs neither discount nor bootstrap: the advantage is the reward less the value. Everything is drawn from
    the generator that is passed in.
    """

    def __init__(self, rng: np.random.Generator, settings: LatentPolicySettings) -> None:
        self.settings = settings
        self._network = BetaNetwork(rng, settings)
        self._learner = Learner(
            self._network, lambda weights: torch.optim.Adam(weights, lr=settings.learning_rate, eps=1e-5)
        )

    def latents(self, proposal: Proposal) -> Numbers:
        """What a proposal stands for, shape ``(n, latent)``."""
        latents: Numbers = self.settings.bound * (2 * proposal.unit - 1)
        return latents

    def propose(self, rng: np.random.Generator, n: int) -> Proposal:
        """``n`` draws, each from a context of its own, noise uniform in ``[0, 1]``."""
        contexts = rng.random((n, self.settings.context_size))
        with torch.no_grad():
            beta, _ = self._network(tensor(contexts))
            alphas, betas = (p.numpy().astype(np.float64) for p in (beta.concentration1, beta.concentration0))
            unit = np.clip(rng.beta(alphas, betas), MARGIN, 1 - MARGIN)
            log_probs = self._log_probs(beta, tensor(unit)).numpy().astype(np.float64)
        return Proposal(contexts, unit, log_probs)

    def _log_probs(self, beta: Beta, unit: Tensor) -> Tensor:
        """Of the latents, shape ``(n,)``: the density in the cube, spread over ``(2 bound) ** latent_size``."""
        total: Tensor = beta.log_prob(unit).sum(1)  # type: ignore[no-untyped-call]
        return total - self.settings.latent_size * math.log(2 * self.settings.bound)

    def learn(self, proposal: Proposal, rewards: Numbers) -> None:
        """PPO on what was proposed and earned, ``rewards (n,)``."""
        contexts, unit = tensor(proposal.contexts), tensor(proposal.unit)
        before, paid = tensor(proposal.log_probs), tensor(rewards)
        with torch.no_grad():
            advantages = paid - self._network(contexts)[1]
            if len(paid) > 1:
                advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-5)
        for _ in range(self.settings.epochs):
            loss = self._loss(contexts, unit, before, paid, advantages)
            self._learner.descend(loss, self.settings.gradient_norm)

    def _loss(self, contexts: Tensor, unit: Tensor, before: Tensor, paid: Tensor, advantages: Tensor) -> Tensor:
        settings = self.settings
        beta, values = self._network(contexts)
        ratios = (self._log_probs(beta, unit) - before).exp()
        clipped = ratios.clamp(1 - settings.clip_range, 1 + settings.clip_range)
        gain = torch.minimum(ratios * advantages, clipped * advantages).mean()
        error = (values - paid).square().mean()
        entropy = beta.entropy().mean()
        loss: Tensor = settings.value_coefficient * error - gain - settings.entropy_coefficient * entropy
        return loss

    def state(self) -> dict[str, Any]:
        """Weights and optimiser as a tree of arrays."""
        return self._learner.state()

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self._learner.restore(state)
