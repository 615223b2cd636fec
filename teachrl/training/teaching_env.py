"""Teaching as an environment, ``teachrl/Teaching-v0``: an agent that chooses tasks can itself be trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from teachrl.config.experiment import EnvConfig, StudentChoice
from teachrl.config.settings import Name, Whole
from teachrl.config.validation import validated
from teachrl.environments import declared_facts, make_env, require_tasks
from teachrl.errors import UsageError
from teachrl.evaluation.evaluator import Evaluator
from teachrl.factory.student import build_student
from teachrl.records.episodes import Episode
from teachrl.rollouts.episodes import PlannedTask
from teachrl.rollouts.worker import RolloutWorker
from teachrl.students.base import StudentContext
from teachrl.tasks.spaces import TaskSpace, Vector
from teachrl.tasks.test_sets import choose_test_set
from teachrl.teachers.learning_progress.alp_signal import AbsoluteLearningProgress


class TeachingConfig(BaseModel):
    """The keyword arguments of `Teaching`, checked."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    env: EnvConfig = Field(
        default=EnvConfig(id="teachrl/Hypercubes-v0", n_envs=1),
        description="where the student practises: an id, or a mapping as in an experiment; n_envs is 1 unless set",
    )
    student: StudentChoice = Field(
        default=StudentChoice(name="simulated"),
        description="who practises: a name, or a mapping with name, preset, options as in an experiment",
    )
    batch: Whole = Field(default=1, ge=1, le=10_000, description="tasks that one action chooses")
    decisions: Whole = Field(default=1000, ge=1, le=10**9, description="actions until the episode is over")
    memory: Whole = Field(default=10, ge=1, le=10_000, description="how many of the last tasks the observation shows")
    reward: Literal["learning_progress", "mastery_gain", "final_mastery"] = Field(
        default="learning_progress", description="what the teaching agent is paid for"
    )
    evaluate_every: Whole = Field(
        default=100, ge=0, le=10**9, description="decisions between evaluations; 0: only after the last decision"
    )
    test_set: Name | None = Field(
        default=None, description="what is evaluated on, as in an experiment; null: the environment's own"
    )
    student_steps: Whole = Field(
        default=1_000_000, ge=1, le=10**12, description="environment steps that the student's schedules span, if any"
    )

    @field_validator("env", "student", mode="before")
    @classmethod
    def _by_name(cls, value: Any, info: Any) -> Any:
        if info.field_name == "student":
            return {"name": value} if isinstance(value, str) else value
        settings = {"id": value} if isinstance(value, str) else value
        return {"n_envs": 1, **settings} if isinstance(settings, Mapping) else settings


class ActionTaskSource:
    """Hands out the tasks of one action in turn, again and again; `waiting` are those not yet played to their end."""

    def give(self, tasks: Vector) -> None:
        """Take over the tasks of an action, shape ``(batch, size)``."""
        self._tasks = tasks
        self._turn = 0
        self._playing: dict[int, int] = {}
        self.waiting = set(range(len(tasks)))
        self.episodes: list[list[Episode]] = [[] for _ in tasks]

    def next_task(self, env_index: int, finished: Episode | None) -> PlannedTask:
        """See `TaskSource`. A task whose episode failed counts as played, or a broken one would be waited for."""
        if env_index in self._playing:
            ended = self._playing[env_index]
            self.waiting.discard(ended)
            if finished is not None:
                self.episodes[ended].append(finished)
        index = self._playing[env_index] = self._turn % len(self._tasks)
        self._turn += 1
        return PlannedTask(self._tasks[index], "action", 0)


class Teaching(gym.Env[NDArray[np.float32], Any]):
    """A whole student with its environment inside; whoever acts in it teaches.

    Keyword arguments are those of `TeachingSettings`. An episode is ``decisions`` actions with one freshly made
    student, seeded, like its environments, from this environment's ``np_random``.

    **Action.** The next ``batch`` tasks: points of the unit cube of the task space, ``float32`` of shape ``(batch *
    size,)``, one task after the other; numbers outside ``[0, 1]`` are clipped. When the task space is one choice out of
    n, an action is the choice's index instead, in ``Discrete(n)``, or ``MultiDiscrete([n] * batch)``.

    **Step.** New episodes begin on these tasks, in turn and over again, and the student learns from each of its
    fragments, until every task was played to its end at least once and the fragment is full. Episodes that are then
    still open are given up. With the simulated student, a step is exactly ``batch`` episodes.

    **Observation.** ``float32`` in [0, 1], of shape ``(1 + memory * (size + 3),)``: the share of decisions made, then a
    row for each of the last ``memory`` tasks, the newest first: 1 (a row of zeros: no task yet), the task in the unit
    cube, its return scaled by the return range and clipped, its share of successes (0.5 when the environment knows no
    success). Return and successes are means over the task's episodes in its step.

    **Reward.** ``learning_progress``: the mean over the action's tasks of the absolute difference between the scaled
    return and that of the nearest task before, as in ALP-GMM; 0 for the first six tasks of an episode.
    ``mastery_gain``: what the share of mastered tasks of the test set gained since the evaluation before; 0 at
    decisions without one. ``final_mastery``: that share, after the last decision; 0 before.

    An episode terminates with its last decision: the budget is part of what is observed. ``info`` has ``steps`` (the
    student's so far), ``mean_return`` (over the action's tasks, unscaled) and, after an evaluation,
    ``mastered_percent``.

    Raises `UsageError` for settings that cannot work, `ValueError` for an action of another shape or not finite,
    `TeachrlError` when the environment inside fails, and `gymnasium.error.ResetNeeded` after the last decision.
    """

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(self, render_mode: str | None = None, **options: Any) -> None:
        if render_mode is not None:
            raise ValueError(f"Teaching draws nothing: render_mode must be None; got {render_mode!r}")
        self.settings = validated(TeachingConfig, options, "teachrl/Teaching-v0")
        settings = self.settings
        self._facts = declared_facts(settings.env)
        require_tasks(self._facts, settings.env, "teaching")
        self._space = self._facts.task_space
        if not self._space.has_unit_cube:
            raise UsageError(
                f"actions here are points of a unit cube, and {self._space!r} has none: choose another env"
            )
        self.action_space = _actions(self._space, settings.batch)
        self._rows = np.zeros((settings.memory, self._space.size + 3), dtype=np.float32)
        self.observation_space = spaces.Box(0.0, 1.0, (1 + self._rows.size,), np.float32)
        self._return_range = self._known_return_range()
        self._evaluator = self._make_evaluator()
        self._worker: RolloutWorker | None = None
        self._decision = settings.decisions

    def _known_return_range(self) -> tuple[float, float]:
        if self._facts.return_range is None:
            raise UsageError(
                f"teachrl/Teaching-v0 scales returns, and environment {self.settings.env.id!r} declares no range: set "
                "return_range in env, as in env={'id': ..., 'return_range': [0, 100]}"
            )
        return self._facts.return_range

    def _make_evaluator(self) -> Evaluator | None:
        """None when nobody knows what success is, and the reward does not need it."""
        settings, knowledge = self.settings, self._facts.knowledge
        if settings.reward != "learning_progress":
            knowledge.check("mastery_range", f"teachrl/Teaching-v0 with the reward {settings.reward!r}")
        if not knowledge.has("mastery_range"):
            return None
        test_set = choose_test_set(settings.test_set, settings.env.id, self._space)
        return Evaluator(lambda: make_env(settings.env), self._facts, test_set, discount=1.0)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin with a student that has learnt nothing. There are no options."""
        super().reset(seed=seed)
        student_seed, worker_seed = (int(s) for s in self.np_random.integers(2**31, size=2))
        env, student = self.settings.env, self.settings.student
        observations, actions = self._facts.observation_space, self._facts.action_space
        context = StudentContext(observations, actions, env.n_envs, student_seed, self.settings.student_steps)
        self._student = build_student(student, self._facts, context)
        if self._worker is not None:
            self._worker.close()
        self._source = ActionTaskSource()
        self._worker = RolloutWorker(
            lambda: make_env(env),
            env.n_envs,
            self._facts,
            self._source,
            seed=worker_seed,
            discount=self._student.discount,
            on_error=env.on_error,
        )
        self._progress = AbsoluteLearningProgress(self._space.size)
        self._rows[:] = 0.0
        self._decision = 0
        self._mastered = self._evaluate() if self.settings.reward == "mastery_gain" else 0.0
        return self._observation(), {}

    def step(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Let the student practise on the tasks of ``action``."""
        if self._worker is None or self._decision == self.settings.decisions:
            raise ResetNeeded("the episode is over or has not begun; call reset() before step()")
        tasks = self._tasks(action)
        self._play(self._worker, tasks)
        self._decision += 1
        info: dict[str, Any] = {"steps": self._worker.steps}
        progress = self._take_in(tasks, info)
        finished = self._decision == self.settings.decisions
        reward = progress if self.settings.reward == "learning_progress" else 0.0
        if self._evaluator is not None and (finished or self._is_time_to_evaluate()):
            before, self._mastered = self._mastered, self._evaluate()
            info["mastered_percent"] = 100 * self._mastered
            if self.settings.reward == "mastery_gain":
                reward = self._mastered - before
            elif self.settings.reward == "final_mastery" and finished:
                reward = self._mastered
        return self._observation(), reward, finished, False, info

    def _tasks(self, action: Any) -> Vector:
        """The action as task vectors, shape ``(batch, size)``."""
        numbers = np.asarray(action, dtype=np.float64)
        shape = (self.settings.batch, self._space.size)
        if numbers.size != shape[0] * shape[1] or not np.isfinite(numbers).all():
            raise ValueError(f"an action is in {self.action_space}; got {action!r}")
        if isinstance(self.action_space, spaces.Box):
            return self._space.from_unit(numbers.reshape(shape))
        if not self.action_space.contains(action):
            raise ValueError(f"an action is in {self.action_space}; got {action!r}")
        return numbers.reshape(shape)

    def _play(self, worker: RolloutWorker, tasks: Vector) -> None:
        worker.restart()
        self._source.give(tasks)
        while self._source.waiting:
            self._student.learn(worker.collect(self._student, self._student.fragment_steps))

    def _take_in(self, tasks: Vector, info: dict[str, Any]) -> float:
        """Put what was played into the memory; the mean learning progress. A task that only failed is left out."""
        low, high = self._return_range
        returns, progress = [], []
        for point, episodes in zip(self._space.to_unit(tasks), self._source.episodes, strict=True):
            if not episodes:
                continue
            returns.append(sum(e.episode_return for e in episodes) / len(episodes))
            scaled = min(max((returns[-1] - low) / (high - low), 0.0), 1.0)
            success = sum(0.5 if e.success is None else e.success for e in episodes) / len(episodes)
            self._rows[1:] = self._rows[:-1]
            self._rows[0] = (1.0, *point, scaled, success)
            progress.append(self._progress.observe(point, scaled))
        info["mean_return"] = sum(returns) / len(returns) if returns else float("nan")
        return sum(progress) / len(progress) if progress else 0.0

    def _is_time_to_evaluate(self) -> bool:
        every = self.settings.evaluate_every
        return every > 0 and self._decision % every == 0

    def _evaluate(self) -> float:
        """The share of the test set's tasks that the student has mastered."""
        assert self._evaluator is not None
        percent = self._evaluator.evaluate(self._student).mastered_percent
        assert percent is not None, "the environment's test set has no mastered tasks"
        return percent / 100

    def _observation(self) -> NDArray[np.float32]:
        share = np.float32(self._decision / self.settings.decisions)
        return np.concatenate(([share], self._rows.ravel()), dtype=np.float32)

    def close(self) -> None:
        """Close all environments inside."""
        for part in (self._worker, self._evaluator):
            if part is not None:
                part.close()


def _actions(space: TaskSpace, batch: int) -> spaces.Space[Any]:
    if [d.kind for d in space.dimensions] == ["choice"]:
        choices = len(space.dimensions[0].choices)
        return spaces.Discrete(choices) if batch == 1 else spaces.MultiDiscrete([choices] * batch)
    return spaces.Box(0.0, 1.0, (batch * space.size,), np.float32)
