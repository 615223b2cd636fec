"""S3RL: for an initial phase, episodes start from snapshots of a trained policy, all parts of its way equally often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from teachrl.errors import UsageError
from teachrl.records.episodes import Episode
from teachrl.teachers.base import Plan, Snapshots, Teacher, TeacherConfig, TeacherContext
from teachrl.teachers.starts.base import TRUE_START, snapshots_of


class S3RLConfig(TeacherConfig):
    """Settings of `S3RLTeacher`."""

    phase_steps: int = Field(100_000, ge=0, description="environment steps of the run in which snapshots are used")
    fade: Literal["step", "linear"] = Field(
        "step",
        description="step: only snapshots in the phase, none after it; linear: their share falls from 1 to 0",
    )
    balance: Literal["clusters", "none"] = Field(
        "clusters", description="clusters: a cluster first, then one of its snapshots; none: all snapshots alike"
    )
    cluster_by: Literal["value", "time", "observation"] = Field(
        "value",
        description="what clusters are made of: the value that the policy gave the state, steps since its episode's "
        "start, or the observation (each entry scaled to deviation 1)",
    )
    clusters: int = Field(6, ge=1, description="how many clusters, at most; those that stay empty are dropped")


class S3RLTeacher(Teacher):
    """Draws the start: a snapshot in the phase, the true start after it.

    Along its way a good policy spends most of its time in states that are much alike, so snapshots are sorted into
    clusters of k-means; a cluster is drawn first, uniformly, then one of its snapshots. The other half of S3RL, short
    episodes from snapshots, is the run's ``starts.truncate_after`` (100 in the paper's experiments).

    Source: SnapshotRL and S3RL (AutoRL workshop at ICML 2024). Its ablations: ``truncate_after: null`` (clusters only),
    ``balance: none`` (truncation only), both (plain SnapshotRL).

    Deviations: the phase is counted by the episodes that have ended, so that with several environments it is over when
    the last one begun in it ends; ``fade: linear``, time and observations as features are ours. A snapshot holds no
    generator (theirs did, and two episodes from it had the same future).

    Raises `UsageError` when there is no bank of snapshots, the teacher is to choose something else than the start, or
    the bank has no values to make clusters of.
    """

    Config: ClassVar[type[TeacherConfig]] = S3RLConfig
    presets = {"default": {}}
    rules = {
        "snapshot": "Snapshot of cluster {cluster:.0f}, {elapsed:.0f} steps into its episode: at step {step:.0f}, "
        "snapshots were drawn with probability {probability:.3g}.",
        "start": "The true start: at step {step:.0f}, snapshots were drawn with probability {probability:.3g}.",
    }
    settings: S3RLConfig
    saved = ("_step",)

    def __init__(self, context: TeacherContext, config: S3RLConfig) -> None:
        super().__init__(context, config)
        self.settings = config
        self._snapshots = snapshots_of(context, "s3rl")
        self._clusters = _clusters(self._snapshots, config)
        self._step = 0

    @property
    def probability(self) -> float:
        """How likely the next episode is to start from a snapshot."""
        left = 1 - self._step / self.settings.phase_steps if self.settings.phase_steps else 0.0
        return float(left > 0) if self.settings.fade == "step" else max(left, 0.0)

    def plan(self, n: int) -> Plan:
        tasks, origins, reasons = np.full((n, 1), TRUE_START, dtype=np.float64), [], []
        for k in range(n):
            why: dict[str, float] = {"step": self._step, "probability": self.probability}
            if self.rng.random() < self.probability:
                cluster = int(self.rng.integers(len(self._clusters)))
                snapshot = int(self.rng.choice(self._clusters[cluster]))
                tasks[k] = snapshot + 1
                why |= {"cluster": cluster, "elapsed": int(self._snapshots.elapsed[snapshot])}
            origins.append("snapshot" if tasks[k] != TRUE_START else "start")
            reasons.append(why)
        return Plan(tasks, tuple(origins), self._step, tuple(reasons))

    def update(self, episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            self._step = max(self._step, episode.step)


def _clusters(snapshots: Snapshots, config: S3RLConfig) -> list[NDArray[np.int64]]:
    """The snapshots of each cluster; the clusters are in the order of their first snapshot's place in the bank."""
    if config.balance == "none":
        return [np.arange(len(snapshots))]
    features = _features(snapshots, config.cluster_by)
    different = len(np.unique(features, axis=0))
    with threadpool_limits(limits=1, user_api="blas"):
        fitted = KMeans(min(config.clusters, different), random_state=0, n_init="auto").fit(features)
    groups = [np.flatnonzero(fitted.labels_ == label) for label in range(fitted.n_clusters)]
    return sorted((group for group in groups if len(group)), key=lambda group: int(group[0]))


def _features(snapshots: Snapshots, kind: str) -> NDArray[np.float64]:
    if kind == "time":
        return snapshots.elapsed[:, None].astype(np.float64)
    if kind == "value":
        if not np.isfinite(snapshots.values).all():
            raise UsageError(
                "s3rl makes clusters of values, and the policy that filled the bank gave none: set "
                "teacher.options.cluster_by to 'time' or 'observation'"
            )
        return snapshots.values[:, None]
    flat = snapshots.observations.reshape(len(snapshots), -1).astype(np.float64)
    deviation = flat.std(axis=0)
    return flat / np.where(deviation > 0, deviation, 1.0)
