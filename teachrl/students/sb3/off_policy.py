"""SAC, TD3 and DQN as students: fragments go into SB3's replay buffer, SB3's own `train` learns from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3 import DQN, SAC, TD3
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.noise import NormalActionNoise
from torch import nn

from teachrl.errors import UsageError
from teachrl.files import StateTree
from teachrl.records.episodes import Array, Fragment
from teachrl.students.base import Decision, StudentContext
from teachrl.students.distillation.distillable import DistillableStudent, Examples
from teachrl.students.distillation.policy_heads import Head
from teachrl.students.sb3.base import SB3Student
from teachrl.students.sb3.earlier_replay import EarlierReplay

ROW_ARRAYS = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


class OffPolicyStudent(SB3Student, DistillableStudent):
    """What SAC, TD3 and DQN share. ``noise_type: normal`` with ``noise_std`` adds exploration noise, as in RL Zoo.

    One fragment is ``train_freq`` vector steps (a number of steps; SB3's episodes are not a fragment).
    """

    action_spaces: ClassVar[tuple[type, ...]] = (spaces.Box,)

    def __init__(
        self, context: StudentContext, *, noise_type: str | None = None, noise_std: float = 0.0, **options: Any
    ) -> None:
        train_freq = options.get("train_freq", 1)
        if isinstance(train_freq, bool) or not isinstance(train_freq, int) or train_freq < 1:
            raise UsageError(f"student option 'train_freq' is a number of vector steps, at least 1; got {train_freq!r}")
        if noise_type not in (None, "normal"):
            raise UsageError(f"student option 'noise_type' is 'normal' or not set; got {noise_type!r}")
        if context.only_acts:
            options["buffer_size"] = context.n_envs
        super().__init__(context, **options)
        self.fragment_steps = int(train_freq if "train_freq" in options else _steps(self.model.train_freq))
        self._noise = self._make_noise(context, noise_std) if noise_type else None
        self._rows = 0

    def _make_noise(self, context: StudentContext, std: float) -> NormalActionNoise:
        shape = (context.n_envs, *(context.action_space.shape or ()))
        return NormalActionNoise(np.zeros(shape), np.full(shape, std))

    def act(self, observations: Array, memory: Array, deterministic: bool = False) -> Decision:
        if deterministic:
            return Decision(np.asarray(self.model.predict(observations, deterministic=True)[0]))
        self.model._last_obs = observations
        actions, stored = self.model._sample_action(self.model.learning_starts, self._noise, len(observations))
        return Decision(actions, {"actions": stored})

    def values(self, observations: Array) -> NDArray[np.float64]:
        """The lower of the critics' estimates for the deterministic action."""
        policy = self.model.policy
        policy.set_training_mode(False)
        with torch.no_grad():
            tensor, _ = policy.obs_to_tensor(observations)
            estimates = torch.cat(self.model.critic(tensor, policy._predict(tensor, deterministic=True)), dim=1)
        return np.asarray(estimates.min(dim=1).values.cpu().numpy(), dtype=np.float64)

    def learn(self, fragment: Fragment) -> dict[str, float]:
        self.store(fragment)
        if self.model.num_timesteps <= self.model.learning_starts:
            return {}
        gradient_steps = self.model.gradient_steps
        if gradient_steps < 0:
            gradient_steps = fragment.n_steps * fragment.n_envs
        if gradient_steps:
            self.model.train(gradient_steps=gradient_steps, batch_size=self.model.batch_size)
        return self._metrics()

    def store(self, fragment: Fragment) -> None:
        following = fragment.next_observations()
        done = fragment.terminated | fragment.truncated
        cut = fragment.truncated & ~fragment.terminated
        for t in range(fragment.n_steps):
            infos = [{"TimeLimit.truncated": bool(c)} for c in cut[t]]
            self.model.replay_buffer.add(
                fragment.observations[t],
                following[t],
                fragment.extras["actions"][t],
                fragment.rewards[t],
                done[t],
                infos,
            )
            self._rows += 1
            self._count_steps(fragment.n_envs)
            self.model._on_step()

    def imitating_parameters(self) -> list[nn.Parameter]:
        return list(self.model.actor.parameters())

    def stored_actions(self, actions: Array) -> Array:
        return np.asarray(self.model.policy.scale_action(actions))

    def cloned(self) -> None:
        """Targets follow at once: what they were before the cloning is worth nothing."""
        for name in ("actor", "q_net"):
            target = getattr(self.model, f"{name}_target", None)
            if target is not None:
                target.load_state_dict(getattr(self.model, name).state_dict())

    def replay_earlier(self, rows: Mapping[str, Array], share: float) -> None:
        """From now on, draw a share of each batch from the rows of an earlier run (`EarlierReplay`)."""
        model = self.model
        if type(model.replay_buffer) is not ReplayBuffer:
            raise UsageError("student.distill.replay goes with replay of single steps only: leave n_steps at 1")
        model.replay_buffer = EarlierReplay(
            model.buffer_size,
            model.observation_space,
            model.action_space,
            device=model.device,
            n_envs=model.n_envs,
            earlier=rows,
            share=share,
        )

    def _tensor(self, examples: Examples) -> torch.Tensor:
        return cast(torch.Tensor, self.model.policy.obs_to_tensor(examples["observations"])[0])

    def experience_count(self) -> int:
        return self._rows

    def experience_kept(self) -> int:
        return int(self.model.replay_buffer.buffer_size)

    def experience(self, start: int, stop: int) -> dict[str, NDArray[Any]]:
        slots = np.arange(start, stop) % self.model.replay_buffer.buffer_size
        return {name: getattr(self.model.replay_buffer, name)[slots] for name in ROW_ARRAYS}

    def load_experience(self, start: int, rows: Mapping[str, NDArray[np.generic]]) -> None:
        buffer = self.model.replay_buffer
        stop = start + len(rows["rewards"])
        slots = np.arange(start, stop) % buffer.buffer_size
        for name in ROW_ARRAYS:
            getattr(buffer, name)[slots] = rows[name]
        self._rows, buffer.pos, buffer.full = stop, stop % buffer.buffer_size, stop >= buffer.buffer_size

    def exploration(self) -> StateTree:
        rate = getattr(self.model, "exploration_rate", None)
        return {"num_timesteps": self.model.num_timesteps, **({} if rate is None else {"rate": rate})}

    def load_exploration(self, exploration: StateTree) -> None:
        self.model.num_timesteps = exploration["num_timesteps"]
        if "rate" in exploration:
            self.model.exploration_rate = exploration["rate"]

    def state(self) -> StateTree:
        calls = (
            {"calls": self.model._n_calls, "rate": self.model.exploration_rate}
            if hasattr(self.model, "_n_calls")
            else {}
        )
        return {**super().state(), "exploration": calls, "rows": self._rows}

    def restore(self, state: StateTree) -> None:
        super().restore(state)
        if state["exploration"]:
            self.model._n_calls = state["exploration"]["calls"]
            self.model.exploration_rate = state["exploration"]["rate"]


def _steps(train_freq: Any) -> int:
    """SB3's own default, before or after it has turned it into a TrainFreq."""
    return int(getattr(train_freq, "frequency", train_freq))


class SACStudent(OffPolicyStudent):
    """SB3's SAC. Preset ``tma2021``: the SAC of the TeachMyAgent benchmark (spinning-up 0.1: 400-300, fixed entropy
    coefficient 0.005, batch 1,000, one update every ten steps, replay of 2 million).

    Deviations: no separate value network (SB3's SAC has none), updates every ten steps rather than at episode ends.
    """

    algorithm = SAC
    head_kind = "squashed"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tma2021": {
            "learning_rate": 1e-3,
            "buffer_size": 2_000_000,
            "learning_starts": 10_000,
            "batch_size": 1000,
            "tau": 0.005,
            "gamma": 0.99,
            "train_freq": 10,
            "gradient_steps": 1,
            "ent_coef": 0.005,
            "policy_kwargs": {"net_arch": [400, 300], "activation_fn": "relu"},
        }
    }

    def __init__(self, context: StudentContext, **options: Any) -> None:
        # SB3 would look up the number of actions in the environment that it is not given.
        if options.get("target_entropy", "auto") == "auto" and isinstance(context.action_space, spaces.Box):
            options["target_entropy"] = -float(np.prod(context.action_space.shape))
        super().__init__(context, **options)

    def head(self, examples: Examples) -> Head:
        mean, log_std, _ = self.model.actor.get_action_dist_params(self._tensor(examples))
        return Head(self.head_kind, mean, log_std)

    def last_layer(self) -> nn.Linear:
        return cast(nn.Linear, self.model.actor.mu)


class TD3Student(OffPolicyStudent):
    """SB3's TD3. Without ``noise_type: normal`` it explores only through its random first steps."""

    algorithm = TD3
    head_kind = "deterministic"

    def head(self, examples: Examples) -> Head:
        return Head(self.head_kind, self.model.actor(self._tensor(examples)))

    def last_layer(self) -> nn.Linear:
        return cast(nn.Linear, self.model.actor.mu[-2])


class DQNStudent(OffPolicyStudent):
    """SB3's DQN, for discrete actions."""

    algorithm = DQN
    head_kind = "values"
    action_spaces = (spaces.Discrete,)

    def values(self, observations: Array) -> NDArray[np.float64]:
        """The highest estimate of any action."""
        self.model.policy.set_training_mode(False)
        with torch.no_grad():
            tensor, _ = self.model.policy.obs_to_tensor(observations)
            best = self.model.q_net(tensor).max(dim=1).values
        return np.asarray(best.cpu().numpy(), dtype=np.float64)

    def head(self, examples: Examples) -> Head:
        return Head(self.head_kind, self.model.q_net(self._tensor(examples)))

    def imitating_parameters(self) -> list[nn.Parameter]:
        return list(self.model.q_net.parameters())

    def last_layer(self) -> nn.Linear:
        return cast(nn.Linear, self.model.q_net.q_net[-1])

    def stored_actions(self, actions: Array) -> Array:
        return actions
