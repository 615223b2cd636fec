"""A student that also learns from a mentor: cloning, kickstarting and DAgger, in supervised passes after `learn`."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import nn

from teachrl.config.distillation import DistillConfig
from teachrl.errors import TeachrlError
from teachrl.files import StateTree
from teachrl.nn.tensors import to_arrays, to_tensors
from teachrl.records.episodes import Array, Decision, Fragment
from teachrl.students.distillation.dataset import LabelledDataset
from teachrl.students.distillation.distillable import DistillableStudent, Examples
from teachrl.students.distillation.mentor import Mentor
from teachrl.students.distillation.policy_heads import divergence
from teachrl.students.distillation.wrapper import StudentWrapper

MAX_GRADIENT_NORM = 1.0
LABEL = "label."


class DistillationStudent(StudentWrapper):
    """Lets the mentor act and label as `DistillConfig` say; what is not imitation is the student's own.

    At first the mentor plays ``cloning_steps``; the student then makes ``cloning_epochs`` passes over them. After that
    the mentor acts at a share ``beta`` of the steps, and after each fragment come passes that minimise the divergence
    from the mentor (`policy_heads.divergence`) on the fragment's observations, or on a data set that keeps the last
    ``capacity`` labelled steps. An environment step is drawn for the mentor independently of others.

    Deviations from kickstarting: imitation has passes and an Adam of its own after the RL update, not one joint loss;
    since Adam divides the weight of a loss out again, ``weight`` scales its learning rate. From DAgger: passes are made
    after each fragment and sample the data set, not to convergence on all of it after each round; the mentor is drawn
    by the step, not by the round. A student that learns from its own actions alone (PPO) learns from no reward while
    the mentor acts. With a memory, a sequence in the data set keeps the memory that the student had when it was played.

    ``sources`` identifies what the student learns from; `restore` refuses another one.
    """

    def __init__(
        self,
        student: DistillableStudent,
        mentor: Mentor | None,
        settings: DistillConfig,
        action_space: spaces.Space[Any],
        seed: int,
        sources: StateTree,
    ) -> None:
        super().__init__(student)
        self._mentor, self._settings, self._space, self._sources = mentor, settings, action_space, sources
        self.needs_privileged = settings.privileged
        self._rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
        self.acting_generators = (*student.acting_generators, self._rng)
        self._optimizer = torch.optim.Adam(student.imitating_parameters(), lr=settings.learning_rate)
        # A student with memory learns from whole sequences.
        self._steps_per_example = student.fragment_steps if student.memory_size else 1
        self._steps = 0
        self._data = self._new_data(max(settings.capacity, settings.cloning_steps))

    def _new_data(self, steps: int) -> LabelledDataset:
        return LabelledDataset(math.ceil(steps / self._steps_per_example))

    @property
    def _cloning(self) -> bool:
        return self._steps < self._settings.cloning_steps

    @property
    def _mentor_share(self) -> float:
        return 1.0 if self._cloning else self._settings.beta_at(self._steps - self._settings.cloning_steps)

    def act(self, observations: Array, memory: Array, deterministic: bool = False) -> Decision:
        decision = self._student.act(observations, memory, deterministic)
        return decision if deterministic else self._mixed(decision, observations)

    def act_with_privileged(self, observations: Array, privileged: Array, memory: Array) -> Decision:
        decision = self._mixed(self._student.act(observations, memory), privileged)
        return replace(decision, extras={**decision.extras, "privileged": privileged})

    def _mixed(self, decision: Decision, seen: Array) -> Decision:
        """The student's decision with the mentor's actions in the rows that fall to it."""
        share = self._mentor_share
        rows = self._rng.random(len(seen)) < share if share else np.zeros(0, dtype=np.bool_)
        if not rows.any():
            return decision
        assert self._mentor is not None
        actions, chosen = np.array(decision.actions), self._mentor.act(seen[rows])
        actions[rows] = chosen
        if not self.experience_kept():
            return replace(decision, actions=actions)
        stored = np.array(decision.extras["actions"])
        stored[rows] = self._student.stored_actions(chosen)
        return replace(decision, actions=actions, extras={**decision.extras, "actions": stored})

    def learn(self, fragment: Fragment) -> dict[str, float]:
        settings, share, cloning = self._settings, self._mentor_share, self._cloning
        weight = settings.weight_at(self._steps - settings.cloning_steps)
        metrics: dict[str, float] = {}
        if cloning or not settings.rl or (share and not self.experience_kept()):
            self._student.store(fragment)
        else:
            metrics = self._student.learn(fragment)
        self._steps += fragment.rewards.size
        if cloning:
            metrics |= self._clone(fragment)
        elif weight:
            metrics |= self._follow(fragment, weight)
        if self._mentor is not None:
            metrics["distill/mentor_share"] = share
        return metrics

    def _clone(self, fragment: Fragment) -> dict[str, float]:
        self._data.add(self._labelled(fragment))
        if self._cloning:
            return {}
        loss = self._passes(self._data, self._settings.cloning_epochs * len(self._data), weight=1.0)
        self._student.cloned()
        if not self._settings.capacity:
            self._data = self._new_data(0)
        return {"distill/loss": loss}

    def _follow(self, fragment: Fragment, weight: float) -> dict[str, float]:
        labelled = self._labelled(fragment)
        n = self._settings.epochs * len(labelled["observations"])
        if self._settings.capacity:
            self._data.add(labelled)
            # A fragment of few steps would make minibatches of few.
            loss = self._passes(self._data, max(n, min(self._batch, len(self._data))), weight)
        else:
            own = self._new_data(fragment.rewards.size)
            own.add(labelled)
            loss = self._passes(own, n, weight)
        return {"distill/loss": loss, "distill/weight": weight}

    def _labelled(self, fragment: Fragment) -> Examples:
        """The fragment as examples, with what the mentor says of each step."""
        assert self._mentor is not None
        seen = fragment.extras["privileged"] if self.needs_privileged else fragment.observations
        targets = self._mentor.targets(seen.reshape(-1, *seen.shape[2:]), self._student.head_kind)
        arranged = {
            f"{LABEL}{name}": self._student.arrange(target.reshape(*fragment.rewards.shape, *target.shape[1:]))
            for name, target in targets.items()
        }
        return {**self._student.examples(fragment), **arranged}

    @property
    def _batch(self) -> int:
        return max(1, self._settings.batch_size // self._steps_per_example)

    def _passes(self, data: LabelledDataset, n: int, weight: float) -> float:
        """Learn from ``n`` examples, the data as often as it takes or a sample of it; the mean loss."""
        for group in self._optimizer.param_groups:
            group["lr"] = self._settings.learning_rate * weight
        losses = []
        while n > 0:
            whole = len(data) <= n
            order = self._rng.permutation(len(data)) if whole else self._rng.integers(len(data), size=n)
            n -= len(order)
            parts = np.array_split(order, math.ceil(len(order) / self._batch))
            losses += [self._step(data.rows(chosen)) for chosen in parts]
        return float(np.mean(losses))

    def _step(self, examples: Examples) -> float:
        head = self._student.head(examples)
        targets = {
            name.removeprefix(LABEL): torch.as_tensor(array, device=head.center.device)
            for name, array in examples.items()
            if name.startswith(LABEL)
        }
        loss = divergence(head, targets, self._space, self._settings.temperature)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._student.imitating_parameters(), MAX_GRADIENT_NORM)
        self._optimizer.step()
        return float(loss.detach())

    def exploration(self) -> StateTree:
        return {**super().exploration(), "imitating_steps": self._steps}

    def load_exploration(self, exploration: StateTree) -> None:
        super().load_exploration(exploration)
        self._steps = exploration["imitating_steps"]

    def state(self) -> StateTree:
        own = {
            "steps": self._steps,
            "optimizer": to_arrays(self._optimizer.state_dict()),
            "data": self._data.state(),
            "generator": self._rng.bit_generator.state,
            "sources": self._sources,
        }
        return {**super().state(), "distillation": own}

    def restore(self, state: StateTree) -> None:
        """Raises `TeachrlError` when the mentor or the earlier run is not what it was."""
        own = state["distillation"]
        if own["sources"] != self._sources:
            raise TeachrlError(
                f"cannot resume exactly: this run learnt from {own['sources']}, and there is now {self._sources}; put "
                "back what was there, or start anew with --overwrite"
            )
        super().restore(state)
        self._steps = own["steps"]
        if not self._cloning and not self._settings.capacity:
            self._data = self._new_data(0)
        self._data.restore(own["data"])
        self._optimizer.load_state_dict(to_tensors(own["optimizer"], "cpu"))
        self._rng.bit_generator.state = own["generator"]
