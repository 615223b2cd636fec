"""Fills a bank: plays episodes with a policy, and saves the simulator's state along the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teachrl.config.experiment import EnvConfig
from teachrl.environments import Env, EnvironmentFacts, environment_facts, make_env
from teachrl.errors import UsageError
from teachrl.records.episodes import Array
from teachrl.starts.adapters.registry import SnapshotAdapter, adapter_for
from teachrl.starts.bank import Bank, provenance
from teachrl.tasks.spaces import Vector

Values = Callable[[Array], NDArray[np.float64]]


@dataclass(frozen=True)
class Policy:
    """Who plays. ``act`` gives the action for one observation, or ``None`` to end the episode there.

    It is called with ``None`` when an episode begins. ``values`` estimates the discounted return from observations
    ``(n, ...)``; None where nobody can. ``description`` is JSON for the bank: who it is, and what its training cost.
    """

    act: Callable[[Array | None], Any]
    values: Values | None
    description: Mapping[str, Any]


@dataclass
class Taken:
    """Snapshots of one episode, and how it ended."""

    task: Vector
    seed: int
    states: list[NDArray[np.float64]] = field(default_factory=list)
    observations: list[Array] = field(default_factory=list)
    elapsed: list[int] = field(default_factory=list)
    returns: list[float] = field(default_factory=list)
    length: int = 0  # of the episode so far, with its return and, at its end, its success
    total: float = 0.0
    success: float = np.nan


def collect(
    settings: EnvConfig,
    policy: Policy,
    plays: Callable[[EnvironmentFacts], Sequence[tuple[Vector, int]]],
    every: int = 10,
    best: int | None = None,
) -> Bank:
    """A bank with a snapshot after each reset and then every ``every`` steps.

    ``plays`` gives task and seed of each episode. Only the ``best`` episodes by return are kept (None: all). The last
    state of an episode is not saved: nothing is to be done there. Raises `UsageError` when the environment's states
    cannot be saved.
    """
    check_counts(every, best)
    env = make_env(settings)
    try:
        facts = environment_facts(env, settings)
        adapter = adapter_for(env)
        taken = [_play(env, adapter, facts, policy, task, seed, every) for task, seed in plays(facts)]
        info = provenance(settings, env, facts, policy.description)
        return bank_of(best_of(taken, best), policy.values, info, facts)
    finally:
        env.close()


def wanted_plays(n: int, seed: int) -> Callable[[EnvironmentFacts], Sequence[tuple[Vector, int]]]:
    """``n`` episodes on tasks that are wanted in the end, where the environment declares them, and else uniform."""

    def plays(facts: EnvironmentFacts) -> Sequence[tuple[Vector, int]]:
        rng, space, target = np.random.default_rng(seed), facts.task_space, facts.knowledge.target
        tasks = space.sample(rng, n) if target is None else target.sample(space, rng, n)
        return [(task, int(s)) for task, s in zip(tasks, rng.integers(2**31, size=n), strict=True)]

    return plays


def _play(
    env: Env,
    adapter: SnapshotAdapter,
    facts: EnvironmentFacts,
    policy: Policy,
    task: Vector,
    seed: int,
    every: int,
) -> Taken:
    episode, info = Taken(task, seed), dict[str, Any]()
    policy.act(None)
    observation, _ = env.reset(seed=seed, options={"task": facts.task_space.task(task)})
    done = False
    while not done and (action := policy.act(np.asarray(observation))) is not None:
        if episode.length % every == 0:
            episode.states.append(adapter.save(env.unwrapped))
            episode.observations.append(np.array(observation))
            episode.elapsed.append(episode.length)
            episode.returns.append(episode.total)
        observation, reward, terminated, truncated, info = env.step(action)
        episode.length, episode.total, done = episode.length + 1, episode.total + float(reward), terminated or truncated
    if info.get("success") is not None:
        episode.success = float(info["success"])
    elif facts.mastery_return is not None:
        episode.success = float(episode.total > facts.mastery_return)
    return episode


def check_counts(every: int, best: int | None) -> None:
    """Raise `UsageError` unless both are 1 or more."""
    if every < 1 or (best is not None and best < 1):
        raise UsageError(f"every and best are 1 or more; got {every} and {best}")


def best_of(taken: list[Taken], best: int | None) -> list[Taken]:
    """The ``best`` episodes by return (None: all), in the order in which they were played."""
    ranked = sorted(range(len(taken)), key=lambda i: -taken[i].total)[:best]
    return [taken[i] for i in sorted(ranked)]


def bank_of(taken: list[Taken], estimate: Values | None, info: Mapping[str, Any], facts: EnvironmentFacts) -> Bank:
    """The snapshots of some episodes, with the values that ``estimate`` gives them, and where they come from."""
    counts = [len(episode.states) for episode in taken]
    observations = np.concatenate([np.stack(episode.observations) for episode in taken])
    values = np.full(sum(counts), np.nan) if estimate is None else estimate(observations)
    return Bank(
        states=np.concatenate([np.stack(episode.states) for episode in taken]),
        observations=observations.astype(facts.observation_space.dtype),
        tasks=np.repeat([episode.task for episode in taken], counts, axis=0),
        seeds=np.repeat([episode.seed for episode in taken], counts),
        elapsed=np.concatenate([episode.elapsed for episode in taken]),
        returns=np.concatenate([episode.returns for episode in taken]),
        values=np.asarray(values, dtype=np.float64),
        episodes=np.repeat(np.arange(len(taken)), counts),
        episode_returns=np.array([episode.total for episode in taken]),
        episode_lengths=np.array([episode.length for episode in taken]),
        episode_successes=np.array([episode.success for episode in taken]),
        provenance=info,
    )
