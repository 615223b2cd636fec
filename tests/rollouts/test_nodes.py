"""Workers on several Ray nodes of one machine: where they go, what they are given, and a node that is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from teachrl.runs.directory import RunDirectory
from teachrl.training.run import Run, train
from tests.support.clusters import nodes, ray
from tests.support.runs import PPO, SAC, assert_same_run
from tests.support.workers import in_ray, shared

pytestmark = pytest.mark.slow

TRAP = "tests.support.own_classes:Trap"


def started(folder: Path, student: Any = PPO, env: Any = TRAP, **workers: Any) -> Run:
    return Run(in_ray(shared(student, env, teacher="random"), **workers), RunDirectory(folder / "run"))


def played(run: Run, fragments: int) -> list[tuple[int, int]]:
    """Collect, and name the episodes that ended."""
    named = []
    for _ in range(fragments):
        fragment = run.rollouts.collect(run.student, 64)
        assert fragment.rewards.shape == (64, 4)
        named += [(episode.env_index, episode.number) for episode in fragment.episodes]
    return named


def busy_nodes() -> set[str]:
    """Nodes on which a worker lives."""
    from ray.util.state import list_actors

    return {actor.node_id for actor in list_actors(filters=[("state", "=", "ALIVE")])}


def test_a_node_that_is_lost_costs_its_workers_half_fragments_and_another_takes_its_place(tmp_path: Path) -> None:
    with nodes({"num_cpus": 0, "include_dashboard": True}, {"num_cpus": 1}, {"num_cpus": 1}) as cluster:
        ray.init(cluster.address, log_to_driver=False)
        run = started(tmp_path, losses=3, placement="spread")
        assert len(busy_nodes()) == 2
        episodes = played(run, 2)
        lost = sorted(cluster.worker_nodes, key=lambda node: str(node.node_id))[0]
        cluster.remove_node(lost, allow_graceful=False)
        cluster.add_node(num_cpus=1)
        episodes += played(run, 4)
        assert run.rollouts.steps == 6 * 64 * 4
        assert run.rollouts.metrics["workers/lost"] >= 1
        assert len(set(episodes)) == len(episodes)
        assert len(busy_nodes()) == 2
        assert lost.node_id not in busy_nodes()
        run.close()


def test_several_nodes_give_the_numbers_of_one_process_and_workers_see_their_share_of_a_gpu(tmp_path: Path) -> None:
    """Ray shows each worker the card that its share is of, and no other; here the cards are numbers."""
    with nodes({"num_cpus": 0}, {"num_cpus": 2, "num_gpus": 2}, {"num_cpus": 2}) as cluster:
        ray.init(cluster.address, log_to_driver=False)
        away = train(in_ray(shared(SAC, steps=512), placement="spread"), tmp_path / "away").path
        assert_same_run(train(shared(SAC, steps=512), tmp_path / "here").path, away)
        for share, cards in ((0.5, ["0", "0"]), (1, ["0", "1"])):
            (notes := tmp_path / str(share)).mkdir()
            env = {"id": "tests.support.slow_env:Noted", "n_envs": 4, "options": {"folder": str(notes)}}
            run = started(tmp_path, env=env, gpus=share)
            assert ray.available_resources().get("GPU", 0) == 2 - 2 * share
            run.close()
            seen = [file.read_text() for file in notes.iterdir()]
            assert sorted(card for card in seen if card != "all") == cards


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that torch can use")
def test_copies_of_the_student_act_on_the_gpu(tmp_path: Path) -> None:
    with nodes({"num_cpus": 2, "num_gpus": 1}) as cluster:
        ray.init(cluster.address, log_to_driver=False)
        free, _ = torch.cuda.mem_get_info()  # after it this process has its own share of the memory
        run = started(tmp_path, gpus=0.5, device="cuda")
        played(run, 2)
        assert free - torch.cuda.mem_get_info()[0] > 2 * 10**8, "two processes with a context of their own"
        run.close()
