"""Films one episode of a run's student as a GIF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from teachrl.errors import TeachrlError
from teachrl.factory.student import load_student
from teachrl.rollouts.episodes import EpisodeTracker, PlannedTask
from teachrl.rollouts.vector_env import EpisodeError, SyncVectorEnv
from teachrl.tasks.spaces import Task


def replay(run: Path, task: Task, output: Path, seed: int = 0) -> dict[str, Any]:
    """Film one episode of a run's student on ``task`` as a GIF. Returns its return and length."""
    import imageio.v3 as imageio

    trained = load_student(run)
    discount, vector = trained.student.discount, trained.facts.task_space.vector(task)
    env = trained.make_env(render=True)
    frames = []
    try:
        tracker = EpisodeTracker(SyncVectorEnv([env], lambda: env, trained.facts), trained.facts, discount)
        observations = tracker.reset(0, PlannedTask(vector, "replay", 0), 0, seed)[None]
        memory = np.zeros((1, trained.student.memory_size), dtype=np.float32)
        done = False
        while not done:
            # Every second picture: a film of 25 pictures a second is as telling as one of 50, at half the size.
            if len(tracker[0].actions) % 2 == 0:
                frames.append(env.render())
            decision = trained.student.act(observations, memory, deterministic=True)
            memory = memory if decision.memory is None else decision.memory
            stepped = tracker.step(np.zeros(1, dtype=np.int64), decision.actions)
            for fault in stepped.faults.values():
                raise fault
            observations, done = stepped.observations, stepped.terminated[0] or stepped.truncated[0]
        frames.append(env.render())
        episode = tracker.episode(0, len(tracker[0].actions), stepped.terminated[0])
    except EpisodeError as fault:
        raise TeachrlError(f"the episode on task {task} failed: {fault}") from fault
    finally:
        env.close()
    output.parent.mkdir(parents=True, exist_ok=True)
    fps = env.metadata.get("render_fps", 30) / 2
    imageio.imwrite(output, np.stack([np.asarray(f) for f in frames]), extension=".gif", duration=1000 / fps, loop=0)
    return {"task": task, "return": episode.episode_return, "length": episode.length, "frames": len(frames)}
