"""PPO as a student: fragments fill SB3's rollout buffer, SB3's own `train` learns from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3 import PPO
from torch import nn

from teachrl.errors import UsageError
from teachrl.files import StateTree
from teachrl.records.episodes import Array, Fragment
from teachrl.records.level_scores import FragmentValues
from teachrl.students.base import Decision, StudentContext
from teachrl.students.distillation.distillable import DistillableStudent, Examples, kind_of_draws
from teachrl.students.distillation.policy_heads import Head
from teachrl.students.sb3.base import SB3Student
from teachrl.students.sb3.normalization import Normalization


class PPOStudent(SB3Student, DistillableStudent):
    """SB3's PPO. Beyond its keywords: ``normalize_observations`` and ``normalize_rewards`` (running, clipped at ±10).

    Preset ``tma2021``: the PPO of the TeachMyAgent benchmark (baselines' PPO2: 20,000 steps an update, 20 minibatches
    of 1,000, 5 epochs, 400-300 tanh, normalised). Deviations: policy and value do not share layers (in PPO2 they did),
    observation statistics change between updates and not within one, evaluation is deterministic (theirs was not), a
    truncated episode is bootstrapped and does not run on into the next.

    Preset ``beacons2024``: the PPO of Words as Beacons (torch_ac's, for 16 environments), with `GridExtractor`.
    Deviations: the direction is observed too; a truncated episode is bootstrapped.
    """

    algorithm = PPO
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tma2021": {
            "n_steps": 20_000,
            "batch_size": 1000,
            "n_epochs": 5,
            "learning_rate": 3e-4,
            "gamma": 0.99,
            "gae_lambda": 0.95,
            "clip_range": 0.2,
            "clip_range_vf": 0.2,
            "vf_coef": 0.5,
            "ent_coef": 0.0,
            "max_grad_norm": 0.5,
            "policy_kwargs": {"net_arch": [400, 300], "activation_fn": "tanh"},
            "normalize_observations": True,
            "normalize_rewards": True,
        },
        "beacons2024": {
            "n_steps": 128,
            "batch_size": 256,
            "n_epochs": 4,
            "learning_rate": 1e-4,
            "gamma": 0.99,
            "gae_lambda": 0.95,
            "clip_range": 0.2,
            "vf_coef": 0.5,
            "ent_coef": 5e-4,
            "max_grad_norm": 0.5,
            "normalize_advantage": False,
            "policy_kwargs": {
                "features_extractor_class": "grid",
                "net_arch": [],
                "optimizer_kwargs": {"eps": 1e-8},
            },
        },
    }

    def __init__(
        self,
        context: StudentContext,
        *,
        normalize_observations: bool = False,
        normalize_rewards: bool = False,
        **options: Any,
    ) -> None:
        if normalize_observations and not isinstance(context.observation_space, spaces.Box):
            raise UsageError("normalize_observations needs observations in a Box space")
        super().__init__(context, **options)
        self.fragment_steps, self.gae_lambda = int(self.model.n_steps), float(self.model.gae_lambda)
        if self.fragment_steps * context.n_envs < 2:
            raise UsageError("PPO needs at least two steps an update: raise n_steps or env.n_envs")
        self.head_kind = kind_of_draws(context.action_space)
        shape = context.observation_space.shape or ()
        self._normalization = Normalization(
            shape, context.n_envs, self.discount, normalize_observations, normalize_rewards
        )

    def act(self, observations: Array, memory: Array, deterministic: bool = False) -> Decision:
        observations = self._normalization.observations(observations)
        if deterministic:
            return Decision(np.asarray(self.model.predict(observations, deterministic=True)[0]))
        policy = self.model.policy
        if policy.training:  # Setting the mode walks through all modules: once after `learn`, not at every step.
            policy.set_training_mode(False)
        with torch.no_grad():
            tensor, _ = policy.obs_to_tensor(observations)
            chosen, values, log_probs = policy(tensor)
        actions = chosen.cpu().numpy()
        extras = {"actions": actions, "values": values.cpu().numpy()[:, 0], "log_probs": log_probs.cpu().numpy()}
        space = self.model.action_space
        if isinstance(space, spaces.Box):
            # The Gaussian has no bounds; the environment gets the nearest allowed action, the buffer the drawn one.
            actions = np.clip(actions, space.low, space.high)
        return Decision(actions, extras)

    def _values(self, observations: Array) -> torch.Tensor:
        with torch.no_grad():
            tensor, _ = self.model.policy.obs_to_tensor(self._normalization.observations(observations))
            return self.model.policy.predict_values(tensor)[:, 0]  # type: ignore[no-any-return]

    def values(self, observations: Array) -> NDArray[np.float64]:
        """The critic's estimate. With ``normalize_rewards`` it is scaled back by the present statistics."""
        return self._values(observations).cpu().numpy().astype(np.float64) * self._normalization.reward_scale

    def fragment_values(self, fragment: Fragment) -> FragmentValues:
        values = fragment.extras["values"] * self._normalization.reward_scale
        return FragmentValues(values, self.values(fragment.last_observations), self._final_values(fragment))

    def learn(self, fragment: Fragment) -> dict[str, float]:
        self._count_steps(fragment.n_steps * fragment.n_envs)
        rewards = self._normalization.rewards(fragment)
        self._bootstrap_truncated(fragment, rewards)
        observations = self._normalization.observations(fragment.observations)
        buffer = self.model.rollout_buffer
        buffer.reset()
        actions, extras = fragment.extras["actions"], fragment.extras
        values, log_probs = torch.from_numpy(extras["values"]), torch.from_numpy(extras["log_probs"])
        if isinstance(self.model.action_space, spaces.Discrete):
            actions = actions[..., None]
        for t in range(fragment.n_steps):
            starts = fragment.episode_starts[t]
            buffer.add(observations[t], actions[t], rewards[t], starts, values[t], log_probs[t])
        buffer.compute_returns_and_advantage(self._values(fragment.last_observations), fragment.last_starts)
        self.model.train()
        self._normalization.observe(fragment)
        return self._metrics()

    def _bootstrap_truncated(self, fragment: Fragment, rewards: Array) -> None:
        """A truncated episode would have gone on: its last reward gets the discounted value of where it stopped."""
        cut = [key for key in fragment.final_observations if not fragment.terminated[key]]
        if cut:
            values = self._values(np.stack([fragment.final_observations[key] for key in cut])).cpu().numpy()
            for key, value in zip(cut, values, strict=True):
                rewards[key] += self.discount * float(value)

    def store(self, fragment: Fragment) -> None:
        self._count_steps(fragment.n_steps * fragment.n_envs)
        self._normalization.observe(fragment)

    def head(self, examples: Examples) -> Head:
        policy = self.model.policy
        tensor, _ = policy.obs_to_tensor(self._normalization.observations(examples["observations"]))
        distribution = policy.get_distribution(tensor).distribution
        if self.head_kind == "categorical":
            return Head("categorical", distribution.logits)
        return Head("gaussian", distribution.mean, policy.log_std)

    def imitating_parameters(self) -> list[nn.Parameter]:
        return list(self.model.policy.parameters())

    def last_layer(self) -> nn.Linear:
        return cast(nn.Linear, self.model.policy.action_net)

    def weights(self) -> StateTree:
        return {**super().weights(), "normalization": self._normalization.weights()}

    def load_weights(self, weights: StateTree) -> None:
        super().load_weights(weights)
        self._normalization.load_weights(weights["normalization"])

    def state(self) -> StateTree:
        return {**super().state(), "normalization": self._normalization.state()}

    def restore(self, state: StateTree) -> None:
        super().restore(state)
        self._normalization.restore(state["normalization"])
