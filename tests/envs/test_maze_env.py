"""The maze as it is played: one at a time, and many at once."""

import copy
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

from teachrl_envs.maze.engine import MazeEngine, flat_size
from teachrl_envs.maze.env import Maze
from teachrl_envs.maze.held_out import held_out_level
from teachrl_envs.maze.level import Level
from teachrl_envs.maze.level_space import LevelTaskSpace
from teachrl_envs.tasks import TaskError

LEFT, RIGHT, FORWARD = 0, 1, 2
CODES = {"#": (2, 5, 0), ".": (1, 0, 0), "G": (8, 1, 0)}
ROOM = {"rows": ["#.G", ".>.", "..#"]}


def image_of(picture):
    return [[list(CODES[character]) for character in row] for row in picture]


def seen(observation, view=5):
    """An observation's cells, as whole codes, and its direction."""
    cells = np.rint(observation[:-4] * 10).astype(int).reshape(view, view, 3)
    return cells.tolist(), int(observation[-4:].argmax())


# What the agent in the middle of ROOM sees, facing right, down, left, up; the last row is its own.
@pytest.mark.parametrize(
    ("turns", "picture"),
    [
        (0, ["#####", "#####", "#####", "#G.##", "#...#"]),
        (1, ["#####", "#####", "#####", "##..#", "#...#"]),
        (2, ["#####", "#####", "#####", "#..##", "#...#"]),
        (3, ["#####", "#####", "#####", "##.G#", "#...#"]),
    ],
)
def test_the_agent_sees_what_lies_ahead_of_it(turns, picture):
    env = Maze(3, 3)
    observation, _ = env.reset(options={"task": ROOM})
    for _ in range(turns):
        observation, reward, terminated, truncated, info = env.step(RIGHT)
        assert (reward, terminated, truncated, info) == (0.0, False, False, {"success": False})
    assert seen(observation) == (image_of(picture), turns)


def test_it_sees_far_ahead_through_walls_and_past_its_sides():
    env = Maze(5, 9)
    rows = [".........", "..##...G.", ">.#......", "...#.....", "........."]
    observation, _ = env.reset(options={"task": {"rows": rows}})
    assert seen(observation) == (image_of([".....", ".#.#.", ".##..", ".....", "....."]), 0)
    observation, _ = Maze(5, 9, view=9).reset(options={"task": {"rows": rows}})
    beyond = "##.....##"
    assert seen(observation, 9)[0][:5] == image_of([beyond, "##.G...##", beyond, beyond, beyond])


def test_turning_and_walking():
    env = Maze(3, 3)
    env.reset(options={"task": ROOM})
    trace = []
    for action in (FORWARD, FORWARD, LEFT, LEFT, FORWARD, FORWARD, FORWARD, RIGHT):
        observation = env.step(action)[0]
        row, column = (int(x) - 5 for x in env.state[:2])
        trace.append((row, column, seen(observation)[1]))
    assert trace == [(1, 2, 0), (1, 2, 0), (1, 2, 3), (1, 2, 2), (1, 1, 2), (1, 0, 2), (1, 0, 2), (1, 0, 3)]


def test_walls_stop_the_agent_and_cost_a_step():
    env = Maze(3, 3, max_steps=10)
    env.reset(options={"task": {"rows": [">#.", "...", "..G"]}})
    before = env.step(FORWARD)[0]
    assert np.array_equal(before, env.step(FORWARD)[0])
    for action in (RIGHT, FORWARD, FORWARD, LEFT, FORWARD):
        assert env.step(action)[1:3] == (0.0, False)
    observation, reward, terminated, truncated, info = env.step(FORWARD)
    assert reward == pytest.approx(1 - 0.9 * 8 / 10)
    assert (terminated, truncated, info) == (True, False, {"success": True})
    assert env.observation_space.contains(observation)


def test_an_episode_is_truncated_at_its_length_but_the_goal_comes_first():
    env = Maze(2, 2, max_steps=3)
    task = {"rows": [">.", ".G"]}
    env.reset(options={"task": task})
    assert [env.step(LEFT)[1:4] for _ in range(3)] == [(0.0, False, False)] * 2 + [(0.0, False, True)]
    env.reset(options={"task": task})
    env.step(FORWARD)
    env.step(RIGHT)
    reward, terminated, truncated = env.step(FORWARD)[1:4]
    assert (reward, terminated, truncated) == (pytest.approx(0.1), True, False)
    with pytest.raises(ResetNeeded, match="call reset"):
        env.step(LEFT)


def test_the_best_return_can_be_had_on_a_held_out_maze():
    level = Level.from_rows([">..", "##.", "G.."])
    env = Maze(3, 3)
    env.reset(options={"task": {"rows": level.rows()}})
    rewards = [env.step(action)[1] for action in (2, 2, 1, 2, 2, 1, 2, 2)]
    assert env.task_space.optimal_return(level.vector()[None])[0] == pytest.approx(sum(rewards))


def play_singly(levels, order, actions, **arguments):
    """One slot's transitions in the environment: level after level of ``order``."""
    env = Maze(**arguments)
    space, waiting, records = env.task_space, iter(order), []
    observation, _ = env.reset(options={"task": space.task(levels[next(waiting)])})
    for action in actions:
        observation, reward, terminated, truncated, _ = env.step(action)
        last = observation
        if terminated or truncated:
            observation, _ = env.reset(options={"task": space.task(levels[next(waiting)])})
        records.append((observation, reward, terminated, truncated, last))
    return records


@pytest.mark.parametrize("view", [3, 5])
def test_one_at_a_time_and_many_at_once_are_the_same(view):
    rng = np.random.default_rng(0)
    space = LevelTaskSpace(4, 5, generator="dcd", walls=8)
    levels = space.sample(rng, 30)
    slots, steps = 20, 120
    actions = rng.choice(3, size=(steps, slots), p=[0.25, 0.25, 0.5])
    engine = MazeEngine(levels, 4, 5, np.arange(slots), view=view, max_steps=17)
    orders = [[slot] for slot in range(slots)]
    engine.assigned[:] = (engine.assigned + 7) % 30
    recorded = []
    for action in actions:
        waiting = engine.assigned.copy()
        engine.step(action)
        done = engine.terminated | engine.truncated
        flat = engine.observations()
        last = np.concatenate([engine.last_images.reshape(slots, -1) / 10, np.eye(4)[engine.last_directions]], axis=1)
        recorded.append((flat, engine.rewards.copy(), engine.terminated.copy(), engine.truncated.copy(), last, done))
        for slot in np.flatnonzero(done):
            orders[slot].append(int(waiting[slot]))
            engine.assigned[slot] = (waiting[slot] + 7) % 30
    ended = 0
    for slot in range(slots):
        order = [*orders[slot], 0]
        single = play_singly(levels, order, actions[:, slot], height=4, width=5, view=view, max_steps=17)
        for batch, (observation, reward, terminated, truncated, last) in zip(recorded, single, strict=True):
            assert np.array_equal(batch[0][slot], observation)
            assert (batch[1][slot], batch[2][slot], batch[3][slot]) == (reward, terminated, truncated)
            if batch[5][slot]:
                ended += 1
                assert batch[4][slot] == pytest.approx(last)
    assert ended > 100


def test_the_engine_counts_successes_and_cuts():
    levels = np.stack([Level.from_rows([">G", ".."]).vector(), Level.from_rows([">#", "#G"]).vector()])
    engine = MazeEngine(levels, 2, 2, np.array([0, 1]), max_steps=3)
    outcomes = []
    for _ in range(4):
        engine.step(np.full(2, FORWARD))
        outcomes.append((engine.terminated.tolist(), engine.truncated.tolist()))
    assert outcomes == [([True, False], [False, cut]) for cut in (False, False, True, False)]
    assert engine.rewards == pytest.approx([0.7, 0.0])


def test_each_row_of_a_batch_plays_what_an_environment_of_its_own_plays():
    rng = np.random.default_rng(0)
    env = Maze(4, 5, view=3, max_steps=17)
    levels = LevelTaskSpace(4, 5, generator="dcd", walls=8).sample(rng, 200)
    batch, singles = env.vectorized(3), [Maze(4, 5, view=3, max_steps=17) for _ in range(3)]
    waiting, must_begin, ended = iter(levels), np.ones(3, dtype=bool), 0
    for _ in range(300):
        for row in np.flatnonzero(must_begin):
            level = next(waiting)
            first, _ = singles[row].reset(options={"task": env.task_space.task(level)})
            assert np.array_equal(batch.reset(row, level, 0), first)
        rows = np.flatnonzero(rng.random(3) < 0.7)  # the others must stay where they are
        actions = rng.integers(3, size=len(rows))
        must_begin[:] = False
        if len(rows) == 0:
            continue
        observations, rewards, terminated, truncated, success = batch.step(rows, actions)
        for k, (row, action) in enumerate(zip(rows, actions, strict=True)):
            single = singles[row].step(action)
            assert np.array_equal(observations[k], single[0])
            assert (rewards[k], terminated[k], truncated[k]) == single[1:4]
            assert success[k] == single[4]["success"]
            must_begin[row] = terminated[k] or truncated[k]
        ended += must_begin.sum()
    assert ended > 30


def test_a_batch_says_what_is_wrong_with_a_level():
    walled_goal = LevelTaskSpace(2, 2).vector({"rows": [">.", ".G"]})
    walled_goal[3] = 1
    with pytest.raises(TaskError, match="the goal is on a wall"):
        Maze(2, 2).vectorized(1).reset(0, walled_goal, 0)


def test_what_the_engine_cannot_play_is_an_error():
    levels = LevelTaskSpace(2, 2).sample(np.random.default_rng(0), 2)
    with pytest.raises(IndexError, match=r"assigned are levels in \[0, 1\]"):
        MazeEngine(levels, 2, 2, np.array([2]))
    engine = MazeEngine(levels, 2, 2, np.array([0, 1]))
    for actions in (np.array([0, 3]), np.array([-1, 0]), np.array([0]), np.array([0.0, 1.0])):
        with pytest.raises(ValueError, match="actions are 2 numbers, 0 left, 1 right or 2 forward"):
            engine.step(actions)
    with pytest.raises(IndexError):
        engine.step(np.array([0]), slots=np.array([2]))
    engine.assigned[0] = -1
    with pytest.raises(IndexError):
        engine.step(np.array([0, 0]))


def test_the_task_in_use_is_reported_and_does_not_stick():
    env = Maze(3, 3)
    assert env.reset(seed=0, options={"task": ROOM})[1] == {"task": ROOM}
    _, info = env.reset(seed=0)
    assert info == {"task": {"rows": [">..", "...", "..G"]}} == {"task": env.default_task}
    info["task"]["rows"][0] = "###"
    assert env.default_task["rows"][0] == ">.."
    with pytest.raises(TaskError, match="mazes here have 13 rows of 13 cells"):
        Maze().reset(options={"task": ROOM})


def test_an_environment_can_be_copied_in_the_middle_of_an_episode():
    env = Maze()
    env.reset(options={"task": {"rows": held_out_level("SixteenRooms").rows()}})
    env.step(FORWARD)
    twin = copy.deepcopy(env)
    for action in (RIGHT, FORWARD, FORWARD, LEFT):
        assert np.array_equal(env.step(action)[0], twin.step(action)[0])


def test_steps_out_of_turn_and_wrong_actions_are_errors():
    env = Maze()
    with pytest.raises(ResetNeeded, match="call reset"):
        env.step(FORWARD)
    env.reset()
    for action in (3, -1, 0.5, np.array([1]), None):
        with pytest.raises(ValueError, match=r"an action is 0 \(left\), 1 \(right\) or 2 \(forward\)"):
            env.step(action)
    env.step(np.array(2))
    env.step(np.int64(2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"view": 4}, "view must be an odd whole number"),
        ({"view": 0}, "view must be an odd whole number"),
        ({"render_mode": "human"}, "render_mode must be None or 'rgb_array'"),
        ({"max_steps": 0}, "max_steps must be a whole number"),
        ({"height": 0}, "height must be a whole number"),
    ],
)
def test_wrong_constructor_arguments_are_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        Maze(**arguments)


def test_the_picture_follows_the_agent():
    env = Maze(3, 4, render_mode="rgb_array")
    env.reset(seed=0)
    first = env.render()
    assert (first.shape, first.dtype) == ((5 * 32, 6 * 32, 3), np.uint8)
    agent = first[48, 48]
    env.step(FORWARD)
    second = env.render()
    assert (second[48, 80] == agent).all()
    assert (second[48, 48] != agent).any()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert Maze().render() is None


@pytest.mark.parametrize("arguments", [{}, {"height": 4, "width": 6, "view": 3}])
def test_gymnasium_finds_nothing_wrong(arguments):
    env = gymnasium.make("teachrl/Maze-v0", render_mode="rgb_array", **arguments)
    assert env.observation_space.shape == (flat_size(arguments.get("view", 5)),)
    check_env(env.unwrapped)


def test_the_whole_maze_is_seen_from_the_agent_in_every_direction():
    env = Maze(3, 3, observe="full")
    observation, _ = env.reset(options={"task": ROOM})
    # The agent in the middle of ROOM faces right, then down, left and up: its right hand is drawn to the right.
    pictures = [
        ["#####", "#G.##", "#...#", "##..#", "#####"],
        ["#####", "##..#", "#...#", "#G.##", "#####"],
        ["#####", "#..##", "#...#", "##.G#", "#####"],
        ["#####", "##.G#", "#...#", "#..##", "#####"],
    ]
    for direction, picture in enumerate(pictures):
        cells = np.array([list(row) for row in picture])
        walls, goal, looks = np.split(observation, [25, 50])
        assert np.array_equal(walls.reshape(5, 5), cells == "#"), direction
        assert np.array_equal(goal.reshape(5, 5), cells == "G"), direction
        assert looks.argmax() == direction
        observation = env.step(RIGHT)[0]


def test_what_is_told_beside_the_view_is_the_whole_maze():
    told, whole, plain = Maze(3, 4, privileged=True), Maze(3, 4, observe="full"), Maze(3, 4)
    task = {"rows": ["#.G.", ".>..", "..#."]}
    (seen, info), (all_of_it, nothing), (view, _) = (env.reset(options={"task": task}) for env in (told, whole, plain))
    for _ in range(6):
        assert np.array_equal(info["privileged"], all_of_it)
        assert np.array_equal(seen, view)
        assert "privileged" not in nothing
        seen, *_, info = told.step(FORWARD)
        all_of_it, *_, nothing = whole.step(FORWARD)
        view = plain.step(FORWARD)[0]
    assert whole.observation_space == told.privileged_space
    assert plain.privileged_space is None
    check_env(gymnasium.make("teachrl/Maze-v0", observe="full").unwrapped, skip_render_check=True)


def test_another_way_to_observe_is_refused():
    with pytest.raises(ValueError, match="'view'"):
        Maze(3, 3, observe="all")
