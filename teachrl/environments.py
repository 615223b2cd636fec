"""Makes environments from an experiment, and reads what they declare for teaching."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gymnasium as gym
from gymnasium.error import Error as GymnasiumError

import teachrl_envs  # noqa: F401  (registers teachrl/...)
from teachrl.config.registry import Registry
from teachrl.errors import UsageError, unknown_name
from teachrl.tasks.knowledge import Knowledge, TaskDistribution, declared_distribution
from teachrl.tasks.spaces import DiscreteTaskSpace, TaskSpace, Vector
from teachrl_envs.parameterize import ParameterizedEnv
from teachrl_envs.specs import EnvSpec

if TYPE_CHECKING:
    from teachrl.config.experiment import EnvConfig

Env = gym.Env[Any, Any]

# Names that installed packages add for ``module:callable``; gymnasium keeps its own registry of ids.
ENVIRONMENTS = Registry("environment", {}, group="teachrl.environments")

# What an environment plays that declares no tasks.
ONE_TASK = DiscreteTaskSpace(["standard"])

# By name: `teachrl.training.teaching_env` is built on this module, and is imported when such an environment is made.
TEACHING = EnvSpec(
    "teachrl/Teaching-v0",
    "teachrl.training.teaching_env:Teaching",
    "teaching itself, for agents that learn to teach: its actions are a student's next tasks",
    page="teaching_environment",
)
gym.register(id=TEACHING.id, entry_point=TEACHING.entry_point)


@dataclass(frozen=True)
class EnvironmentFacts:
    """What an environment declares: spaces, tasks, the range of its returns, and what is known about its tasks.

    ``privileged_space``: that of what it tells in ``info["privileged"]`` and does not show; None when it tells nothing.
    """

    observation_space: gym.Space[Any]
    action_space: gym.Space[Any]
    task_space: TaskSpace
    return_range: tuple[float, float] | None
    knowledge: Knowledge
    privileged_space: gym.Space[Any] | None = None
    start_column: int | None = None
    """The entry of a task's vector that says where the episode begins, 0 being the true start; None: always there."""

    def from_snapshot(self, task: Vector) -> bool:
        """Whether an episode on this task begins elsewhere than at the true start."""
        return self.start_column is not None and task[self.start_column] != 0

    @property
    def has_tasks(self) -> bool:
        """Whether there is anything for a teacher to vary."""
        return self.task_space != ONE_TASK

    @property
    def mastery_return(self) -> float | None:
        """The return above which a task counts as mastered, where the environment reports no success itself."""
        return self.knowledge.mastery_return


def make_env(settings: EnvConfig | str, render: bool = False) -> Env:
    """Build one environment: a registered id, or ``module:callable`` of your own. Raises `UsageError`.

    ``settings`` is an id, or the part ``env`` of an experiment. With ``render``, `render` returns images. Where no task
    space is declared, it plays `ONE_TASK`.
    """
    if isinstance(settings, str):
        from teachrl.config.experiment import EnvConfig

        settings = EnvConfig(id=settings)
    options: dict[str, Any] = dict(settings.options)
    if render:
        options["render_mode"] = "rgb_array"
    build: Callable[..., Env]
    if ":" in settings.id or settings.id in ENVIRONMENTS.entries:
        build = ENVIRONMENTS.load(settings.id)
    else:
        if settings.id not in gym.registry:
            raise unknown_name("environment", settings.id, gym.registry)
        build = _registered(settings.id)
    try:
        env = build(**options)
    except (TypeError, ValueError, GymnasiumError) as error:
        raise UsageError(f"environment {settings.id!r} cannot be made with {options}: {error}") from error
    if not isinstance(env, gym.Env):
        raise UsageError(f"environment {settings.id!r} must give a gymnasium.Env; got {type(env).__name__}")
    return env if _declared(env, "task_space") is not None else _with_one_task(env)


def _with_one_task(env: Env) -> Env:
    def nothing_to_set(env: Any, task: Any) -> None:
        pass

    declared = _declared(env, "return_range"), _declared(env, "mastery_return")
    return ParameterizedEnv(env, ONE_TASK, nothing_to_set, return_range=declared[0], mastery_return=declared[1])


def require_tasks(facts: EnvironmentFacts, settings: EnvConfig, who: str) -> None:
    """Raise `UsageError` when there is nothing for ``who`` to vary."""
    if not facts.has_tasks:
        raise UsageError(
            f"environment {settings.id!r} declares no task_space: {who} has nothing to vary. Give it one, or wrap it "
            "in teachrl_envs.ParameterizedEnv (docs/adding_an_environment.md shows it in ten lines). To train on it as "
            "it is, choose the teacher 'random'."
        )


def _registered(name: str) -> Callable[..., Env]:
    # The checker wraps every step in assertions; our own rollouts check what matters and name the task.
    return lambda **options: gym.make(name, disable_env_checker=True, **options)


def declared_facts(settings: EnvConfig) -> EnvironmentFacts:
    """What an experiment's environment declares; one is made for this and closed, also when it cannot be used."""
    env = make_env(settings)
    try:
        return environment_facts(env, settings)
    finally:
        env.close()


def environment_facts(env: Env, settings: EnvConfig) -> EnvironmentFacts:
    """Read what ``env`` declares; the experiment's own ``return_range`` and ``mastery_return`` win."""
    space = _declared(env, "task_space")
    if not isinstance(space, TaskSpace):
        raise UsageError(f"environment {settings.id!r}: its task_space must be a teachrl TaskSpace; got {space!r}")
    if isinstance(env.observation_space, (gym.spaces.Dict, gym.spaces.Tuple)):
        raise UsageError(
            f"environment {settings.id!r} has observations in {type(env.observation_space).__name__}; students take "
            "arrays: wrap it in gymnasium.wrappers.FlattenObservation"
        )
    return_range = settings.return_range or _declared(env, "return_range")
    mastery = settings.mastery_return if settings.mastery_return is not None else _declared(env, "mastery_return")
    knowledge = Knowledge(
        mastery_return=mastery,
        reports_success=bool(_declared(env, "reports_success")),
        initial=_distribution(env, space, "initial"),
        target=_distribution(env, space, "target"),
    )
    starts = space.size - 1 if _declared(env, "starts_from_snapshots") else None
    told = _declared(env, "privileged_space")
    return EnvironmentFacts(env.observation_space, env.action_space, space, return_range, knowledge, told, starts)


def _distribution(env: Env, space: TaskSpace, name: str) -> TaskDistribution | None:
    return declared_distribution(space, _declared(env, f"{name}_mean"), _declared(env, f"{name}_std"), name)


def _declared(env: Env, name: str) -> Any:
    try:
        return env.get_wrapper_attr(name)
    except AttributeError:
        return None
