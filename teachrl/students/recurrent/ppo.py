"""PPO with an LSTM: learns from whole sequences, for tasks that cannot be played on the present observation alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.utils import explained_variance
from torch import Tensor, nn
from torch.distributions import Categorical

from teachrl.config.validation import validated
from teachrl.files import StateTree
from teachrl.nn.tensors import to_arrays, to_tensors
from teachrl.records.episodes import Array, Decision, Fragment
from teachrl.records.level_scores import FragmentValues, round_result
from teachrl.students.base import StudentContext
from teachrl.students.distillation.distillable import DistillableStudent, Examples, kind_of_draws
from teachrl.students.distillation.policy_heads import Head
from teachrl.students.recurrent.config import RecurrentPPOConfig, check_context, learning_rate
from teachrl.students.recurrent.policy import RecurrentPolicy

ADAM_EPSILON = 1e-5
ADVANTAGE_EPSILON = 1e-5


@dataclass(frozen=True)
class _Batch:
    """A fragment as tensors ``(T, N, ...)``, and ``memory (N, 2 hidden_size)`` before its first step."""

    observations: Tensor
    starts: Tensor
    memory: Tensor
    actions: Tensor
    log_probs: Tensor
    values: Tensor
    advantages: Tensor
    returns: Tensor

    def columns(self, chosen: Tensor) -> _Batch:
        """The environments ``chosen``, with all their steps."""
        parts = {k: v[chosen] if k == "memory" else v[:, chosen] for k, v in vars(self).items()}
        return _Batch(**parts)


class RecurrentPPOStudent(DistillableStudent):
    """PPO with an LSTM, for observations in a Box (flattened) and actions in Discrete or Box. See `RecurrentPPOConfig`.

    The memory is the LSTM's hidden and cell state. An update runs the LSTM over the whole fragment, from the memory at
    its first step, with zeros wherever an episode begins; gradients stop at the fragment's beginning. A truncated
    episode is bootstrapped with the value of its final observation under the memory it had there.

    Sources: Schulman et al. 2017, "Proximal Policy Optimization Algorithms" (arXiv 1707.06347), equations 7, 9 and 11.
    Presets: ``dcd``, the maze student of Jiang et al. 2021, "Replay-Guided Adversarial Environment Design" (arXiv
    2110.02439), and ``jaxued``, that of Coward et al. 2024 (arXiv 2403.13091).

    Deviations of both presets: the actions are the environment's (three in our maze, seven in theirs), and an episode
    that a fragment cuts off goes on in the next one unless the teacher ends it. Entropy is not rewarded in ``dcd``, as
    in its 60-block mazes; its code has 0.01 for some methods at 25 blocks. ``jaxued`` has the network of ``dcd``.

    Raises `UsageError` for options and spaces that do not fit.
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        # Half the squared error, weighed by half, is a quarter of ours.
        "dcd": {"learning_rate": 1e-4, "clip_range_vf": 0.2, "vf_coef": 0.25, "encoder": "grid"},
        "jaxued": {
            "learning_rate": "lin_1e-4",
            "gae_lambda": 0.98,
            "ent_coef": 1e-3,
            "clip_range_vf": 0.2,
            "vf_coef": 0.25,
            "encoder": "grid",
        },
    }

    def __init__(self, context: StudentContext, **options: Any) -> None:
        self.config = config = validated(RecurrentPPOConfig, options, "student 'ppo-lstm'")
        check_context(context, config)
        self.context, self.head_kind = context, kind_of_draws(context.action_space)
        self.fragment_steps, self.memory_size = config.n_steps, 2 * config.hidden_size
        self.discount, self.gae_lambda = config.gamma, config.gae_lambda
        torch.manual_seed(context.seed)
        inputs = int(np.prod(context.observation_space.shape or ()))
        self.policy = RecurrentPolicy(
            inputs, context.action_space, config.encoder, config.hidden_size, config.head_size
        )
        self._rate = learning_rate(config)
        self._optimizer = torch.optim.Adam(self.policy.parameters(), lr=self._rate(1.0), eps=ADAM_EPSILON)
        self._steps = self._updates = 0

    def act(self, observations: Array, memory: Array, deterministic: bool = False) -> Decision:
        with torch.no_grad():
            distribution, values, after = self._one_step(observations, memory)
            chosen = distribution.mode if deterministic else distribution.sample()
            log_probs = distribution.log_prob(chosen)[0]
        drawn, remembered = chosen[0].numpy(), after.numpy()
        space = self.context.action_space
        actions = drawn
        if isinstance(space, spaces.Discrete):
            actions = drawn + int(space.start)
        elif isinstance(space, spaces.Box):
            # The Gaussian has no bounds; the environment gets the nearest allowed action, `learn` the drawn one.
            actions = np.clip(drawn.reshape(-1, *space.shape), space.low, space.high).astype(space.dtype)
        if deterministic:
            return Decision(actions, memory=remembered)
        # The memory comes back with the fragment for the values of final observations.
        extras = {"actions": drawn, "log_probs": log_probs.numpy(), "values": values[0].numpy(), "memory": remembered}
        return Decision(actions, extras, remembered)

    def _one_step(self, observations: Array, memory: Array) -> tuple[torch.distributions.Distribution, Tensor, Tensor]:
        """The policy on ``observations (N, ...)``, as a sequence of one step in which no episode begins."""
        n = len(observations)
        inputs = torch.as_tensor(observations, dtype=torch.float32).reshape(1, n, -1)
        remembered = torch.as_tensor(memory, dtype=torch.float32)
        result: tuple[torch.distributions.Distribution, Tensor, Tensor]
        result = self.policy(inputs, remembered, torch.zeros(1, n, dtype=torch.bool))
        return result

    def values(self, observations: Array) -> NDArray[np.float64]:
        """The critic's estimate where an episode begins, without a memory."""
        return self._values(observations, np.zeros((len(observations), self.memory_size), dtype=np.float32))

    def _values(self, observations: Array, memory: Array) -> NDArray[np.float64]:
        with torch.no_grad():
            values = self._one_step(observations, memory)[1]
        return values[0].numpy().astype(np.float64)

    def fragment_values(self, fragment: Fragment) -> FragmentValues:
        """The critic's estimates under the memories that went with the observations."""
        assert fragment.last_memory is not None
        last = self._values(fragment.last_observations, fragment.last_memory)
        cut = [key for key in fragment.final_observations if not fragment.terminated[key]]
        final: dict[tuple[int, int], float] = {}
        if cut:
            memory = np.stack([fragment.extras["memory"][key] for key in cut])
            values = self._values(np.stack([fragment.final_observations[key] for key in cut]), memory)
            final = dict(zip(cut, values.tolist(), strict=True))
        return FragmentValues(fragment.extras["values"].astype(np.float64), last, final)

    def learn(self, fragment: Fragment) -> dict[str, float]:
        self.store(fragment)
        rate = self._rate(max(0.0, 1 - self._steps / self.context.total_steps))
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        batch = self._batch(fragment)
        epochs = (torch.randperm(fragment.n_envs) for _ in range(self.config.n_epochs))
        losses = [
            self._step(batch.columns(chosen))
            for order in epochs
            for chosen in order.tensor_split(self.config.n_minibatches)
        ]
        self._updates += self.config.n_epochs
        explained = explained_variance(batch.values.numpy().ravel(), batch.returns.numpy().ravel())
        means = {f"train/{tag}": float(np.mean([loss[tag] for loss in losses])) for tag in losses[0]}
        return {
            **means,
            "train/explained_variance": float(explained),
            "train/learning_rate": rate,
            "train/n_updates": float(self._updates),
        }

    def _batch(self, fragment: Fragment) -> _Batch:
        assert fragment.memory is not None
        judged = round_result(fragment, self.fragment_values(fragment), self.discount, self.gae_lambda)
        steps, n = fragment.rewards.shape
        extras = {name: torch.as_tensor(fragment.extras[name]) for name in ("actions", "log_probs", "values")}
        advantages = torch.as_tensor(judged.advantages, dtype=torch.float32)
        return _Batch(
            observations=torch.as_tensor(fragment.observations, dtype=torch.float32).reshape(steps, n, -1),
            starts=torch.as_tensor(fragment.episode_starts),
            memory=torch.as_tensor(fragment.memory),
            advantages=advantages,
            returns=advantages + extras["values"],
            **extras,
        )

    def _step(self, batch: _Batch) -> dict[str, float]:
        """One step of the optimiser on a minibatch; returns what to log."""
        config = self.config
        distribution, values, _ = self.policy(batch.observations, batch.memory, batch.starts)
        advantages = batch.advantages
        if config.normalize_advantage:
            advantages = (advantages - advantages.mean()) / (advantages.std() + ADVANTAGE_EPSILON)
        log_ratio = distribution.log_prob(batch.actions) - batch.log_probs
        ratio = log_ratio.exp()
        clipped = ratio.clamp(1 - config.clip_range, 1 + config.clip_range)
        policy_loss = -torch.min(advantages * ratio, advantages * clipped).mean()
        value_loss = _value_loss(values, batch, config.clip_range_vf)
        entropy = distribution.entropy().mean()
        loss = policy_loss + config.vf_coef * value_loss - config.ent_coef * entropy
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.policy.parameters(), config.max_grad_norm)
        self._optimizer.step()
        figures = {
            "loss": loss,
            "policy_gradient_loss": policy_loss,
            "value_loss": value_loss,
            "entropy_loss": -entropy,
            "approx_kl": (ratio - 1 - log_ratio).mean(),
            "clip_fraction": ((ratio - 1).abs() > config.clip_range).float().mean(),
        }
        return {tag: float(figure.detach()) for tag, figure in figures.items()}

    def store(self, fragment: Fragment) -> None:
        self._steps += fragment.n_steps * fragment.n_envs

    def arrange(self, array: Array) -> Array:
        return array.swapaxes(0, 1)

    def examples(self, fragment: Fragment) -> Examples:
        seen, starts = self.arrange(fragment.observations), self.arrange(fragment.episode_starts)
        assert fragment.memory is not None
        return {"observations": seen, "starts": starts, "memory": fragment.memory}

    def head(self, examples: Examples) -> Head:
        seen = torch.as_tensor(examples["observations"], dtype=torch.float32).flatten(2).swapaxes(0, 1)
        starts, memory = (torch.as_tensor(examples[name]) for name in ("starts", "memory"))
        distribution, _, _ = self.policy(seen, memory, starts.swapaxes(0, 1))
        if isinstance(distribution, Categorical):
            return Head("categorical", distribution.logits.swapaxes(0, 1))
        return Head("gaussian", distribution.mean.swapaxes(0, 1), self.policy.log_std)

    def imitating_parameters(self) -> list[nn.Parameter]:
        return list(self.policy.parameters())

    def last_layer(self) -> nn.Linear:
        return cast(nn.Linear, self.policy.actor[-1])

    def weights(self) -> StateTree:
        return {"policy": to_arrays(self.policy.state_dict())}

    def load_weights(self, weights: StateTree) -> None:
        self.policy.load_state_dict(to_tensors(weights["policy"], "cpu"))

    def state(self) -> StateTree:
        return {
            "weights": self.weights(),
            "optimizer": to_arrays(self._optimizer.state_dict()),
            "counters": {"steps": self._steps, "updates": self._updates},
            # The global one, from which distributions draw.
            "generator": torch.get_rng_state().numpy().copy(),
        }

    def restore(self, state: StateTree) -> None:
        self.load_weights(state["weights"])
        self._optimizer.load_state_dict(to_tensors(state["optimizer"], "cpu"))
        self._steps, self._updates = state["counters"]["steps"], state["counters"]["updates"]
        torch.set_rng_state(torch.from_numpy(np.array(state["generator"])))


def _value_loss(values: Tensor, batch: _Batch, clip_range: float | None) -> Tensor:
    """Mean squared error; with a ``clip_range``, the larger of that and the error of a value held near the old one."""
    error = (values - batch.returns) ** 2
    if clip_range is None:
        return error.mean()
    held = batch.values + (values - batch.values).clamp(-clip_range, clip_range)
    return torch.max(error, (held - batch.returns) ** 2).mean()
