"""Mazes as data: their forms, generators, shortest ways, edits, and the task space around them."""

import itertools
from collections import deque

import numpy as np
import pytest

from teachrl_envs.maze.generators import GENERATORS
from teachrl_envs.maze.held_out import JAXUED, ROWS, corridors, held_out_level
from teachrl_envs.maze.level import Level
from teachrl_envs.maze.level_space import LevelTaskSpace
from teachrl_envs.maze.mutation import MUTATIONS
from teachrl_envs.tasks import BoxTaskSpace, ProductTaskSpace, TaskError, TaskSpace

SMALL = ["..#", ">#.", "..G"]
# From the published suite: walls, shortest path in cells, and in actions with turns.
PUBLISHED = {
    "SixteenRooms": (46, 20, 26),
    "SixteenRooms2": (53, 22, 28),
    "NineRooms": (36, 20, 24),
    "NineRoomsFewerDoors": (39, 34, 42),
    "Labyrinth": (72, 96, 113),
    "LabyrinthFlipped": (72, 96, 113),
    "Labyrinth2": (72, 96, 113),
    "StandardMaze": (73, 40, 54),
    "StandardMaze2": (72, 56, 73),
    "StandardMaze3": (71, 39, 54),
}


def slow_shortest_actions(level):
    """Breadth-first over positions and headings, written out a second time."""
    start = (*divmod(level.agent, level.width), level.direction)
    queue, distance = deque([start]), {start: 0}
    while queue:
        row, column, direction = state = queue.popleft()
        if row * level.width + column == level.goal:
            return distance[state]
        step_row, step_column = [(0, 1), (1, 0), (0, -1), (-1, 0)][direction]
        ahead = row + step_row, column + step_column
        following = [(row, column, (direction + turn) % 4) for turn in (-1, 1)]
        if 0 <= ahead[0] < level.height and 0 <= ahead[1] < level.width and not level.walls[ahead]:
            following.append((*ahead, direction))
        for other in following:
            if other not in distance:
                distance[other] = distance[state] + 1
                queue.append(other)
    return -1


def test_a_level_has_four_forms_that_mean_the_same():
    level = Level.from_rows(SMALL)
    assert (level.agent, level.direction, level.goal) == (3, 0, 8)
    assert level.rows() == SMALL
    assert level.tokens().tolist() == [3, 5, 9, 4]  # walls ascending, then the goal, then the agent, from 1 on
    assert Level.from_tokens([5, 3, 9, 4], 3, 3) == level
    assert level.vector().tolist() == [0, 0, 1, 0, 1, 0, 0, 0, 0, 3, 0, 8]
    assert Level.from_vector(level.vector(), 3, 3) == level
    for direction, arrow in enumerate(">v<^"):
        turned = Level.from_tokens(level.tokens(), 3, 3, direction)
        assert turned.rows() == ["..#", f"{arrow}#.", "..G"]
        assert (turned == level) == (direction == 0)


def test_a_level_is_frozen():
    walls = np.zeros((3, 3), dtype=bool)
    level = Level(walls, 0, 0, 8)
    walls[1, 1] = True
    assert not level.walls.any()
    with pytest.raises(ValueError, match="read-only"):
        level.walls[0, 1] = True


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["..", ".G"], "the maze has no agent"),
        ([">.", ".."], "the maze has no goal"),
        ([">.", "vG"], "the maze has 2 agents; it needs exactly one"),
        ([">G", "G."], "the maze has 2 goals"),
        ([">.", ".g"], "unknown character 'g' in a maze: '#' wall"),
        ([">.", "G"], r"all have the same length; got lengths \[2, 1\]"),
        ([], "all have the same length"),
        (">G", "rows of a maze are a list of strings"),
        ([[">", "G"]], "rows of a maze are a list of strings"),
    ],
)
def test_a_wrong_picture_is_an_error_that_says_why(rows, message):
    with pytest.raises(TaskError, match=message):
        Level.from_rows(rows)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({2: 1, 11: 2}, "the goal is on a wall: cell 2, row 0"),
        ({9: 4}, "the agent is on a wall: cell 4, row 1"),
        ({11: 3}, "agent and goal are in the same cell, 3"),
        ({9: 9}, r"the agent's cell must be in \[0, 8\]; got 9"),
        ({11: -1}, r"the goal's cell must be in \[0, 8\]; got -1"),
        ({10: 4}, "direction is 0 .* got 4"),
        ({0: 0.5}, "whole, and 0 or 1"),
        ({9: np.nan}, "numbers are whole"),
    ],
)
def test_a_wrong_vector_is_an_error_that_says_why(change, message):
    vector = Level.from_rows(SMALL).vector()
    for place, value in change.items():
        vector[place] = value
    with pytest.raises(TaskError, match=message):
        Level.from_vector(vector, 3, 3)


def test_wrong_tokens_are_errors():
    with pytest.raises(TaskError, match=r"tokens are in \[1, 9\]"):
        Level.from_tokens([0, 1, 2], 3, 3)
    with pytest.raises(TaskError, match="tokens are whole numbers"):
        Level.from_tokens([1], 3, 3)
    with pytest.raises(TaskError, match="the goal is on a wall"):
        Level.from_tokens([2, 2, 1], 3, 3)


@pytest.mark.parametrize("generator", GENERATORS)
def test_random_levels_are_valid_seeded_and_come_back_exactly(generator):
    space = LevelTaskSpace(generator=generator)
    vectors = space.sample(np.random.default_rng(0), 50)
    assert vectors.shape == (50, 172)
    assert vectors.dtype == np.float64
    for vector in vectors:
        task = space.task(vector)
        assert np.array_equal(space.vector(task), vector)
        assert space.contains(task)
        assert ((space.low <= vector) & (vector <= space.high)).all()
    assert np.array_equal(space.sample(np.random.default_rng(0), 50), vectors)
    assert not np.array_equal(space.sample(np.random.default_rng(1), 50), vectors)
    assert space.sample(np.random.default_rng(0), 0).shape == (0, 172)


@pytest.mark.parametrize("generator", GENERATORS)
def test_generators_work_in_the_smallest_mazes(generator):
    size = 3 if generator == "perfect" else 2
    for budget in {None, 0, size * size - 2}:
        space = LevelTaskSpace(size, size, generator=generator, walls=budget)
        for vector in space.sample(np.random.default_rng(0), 200):
            space.level(vector)


def test_numbers_of_walls_are_those_of_the_generators():
    counts = {
        name: LevelTaskSpace(generator=name, walls=60).sample(np.random.default_rng(0), 4000)[:, :-3].sum(axis=1)
        for name in ("dcd", "jaxued", "uniform_count")
    }
    distinct = 169 * (1 - (1 - 1 / 169) ** 60)
    assert counts["jaxued"].mean() == pytest.approx(distinct, abs=0.3)
    # Goal and agent each take a wall away where they land on one.
    assert counts["dcd"].mean() == pytest.approx(distinct * (1 - 2 / 169), abs=0.3)
    assert set(counts["uniform_count"]) == set(range(61))
    assert counts["uniform_count"].mean() == pytest.approx(30, abs=1)
    shares = np.bincount(counts["uniform_count"].astype(int)) / 4000
    assert shares.max() < 2.5 / 61


def test_agents_goals_and_directions_are_spread_evenly():
    for generator in ("dcd", "jaxued", "uniform_count"):
        vectors = LevelTaskSpace(3, 3, generator=generator, walls=3).sample(np.random.default_rng(0), 9000)
        for place, values in ((9, 9), (10, 4), (11, 9)):
            shares = np.bincount(vectors[:, place].astype(int), minlength=values) / 9000
            assert shares == pytest.approx(np.full(values, 1 / values), abs=0.02), (generator, place)


def test_perfect_mazes_have_exactly_one_way():
    space = LevelTaskSpace(9, 11, generator="perfect")
    corners = set()
    for vector in space.sample(np.random.default_rng(0), 30):
        level = space.level(vector)
        free = np.argwhere(~level.walls)
        doors = sum(abs(a - b).sum() == 1 for a, b in itertools.combinations(free, 2))
        assert doors == len(free) - 1  # as many edges as a tree
        assert len(free) == 5 * 6 + 5 * 6 - 1
        assert space.is_solvable(vector[None]).all()
        corners |= {level.agent, level.goal}
        assert level.direction == 0
    assert corners == {0, 10, 88, 98}
    with pytest.raises(TaskError, match="perfect mazes have odd height and width; got 8 x 9"):
        LevelTaskSpace(8, 9, generator="perfect")


def test_shortest_ways_agree_with_a_slow_search():
    space = LevelTaskSpace(5, 7, generator="dcd", walls=16, max_steps=20)
    vectors = space.sample(np.random.default_rng(0), 300)
    expected = np.array([slow_shortest_actions(space.level(vector)) for vector in vectors])
    found = space.complexity(vectors)
    assert found["shortest_actions"].tolist() == expected.tolist()
    assert ((found["shortest_path"] < 0) == (expected < 0)).all()
    assert (found["shortest_path"] <= expected).all()
    assert found["walls"].tolist() == vectors[:, :-3].sum(axis=1).tolist()
    assert space.is_solvable(vectors).tolist() == (expected >= 0).tolist()
    assert 0 < (expected < 0).sum() < 300
    best = [1 - 0.9 * t / 20 if 0 <= t <= 20 else 0.0 for t in expected]
    assert space.optimal_return(vectors) == pytest.approx(best)


@pytest.mark.parametrize("name", PUBLISHED)
def test_held_out_mazes_measure_what_was_published(name):
    space, level = LevelTaskSpace(), held_out_level(name)
    measured = space.complexity(level.vector()[None])
    assert tuple(int(x[0]) for x in measured.values()) == PUBLISHED[name]


def test_the_flipped_labyrinth_starts_at_the_other_end():
    level = held_out_level("LabyrinthFlipped")
    assert level.rows()[12] == ".......#....<"
    assert set(JAXUED) <= {*ROWS, "LabyrinthFlipped"}


def test_corridors_hide_the_goal_in_each_corridor():
    for size, shortest, longest in ((13, 13, 21), (19, 19, 33)):
        levels = corridors(size)
        assert len({level.goal for level in levels}) == len(levels) == size - 3
        paths = LevelTaskSpace(size, size).complexity(np.array([level.vector() for level in levels]))["shortest_path"]
        assert (paths.min(), paths.max()) == (shortest, longest)


@pytest.mark.parametrize("kind", MUTATIONS)
def test_edits_give_valid_levels_near_their_parents(kind):
    space = LevelTaskSpace(generator="dcd")
    parents = space.sample(np.random.default_rng(0), 200)
    kept = parents.copy()
    children = space.mutate(np.random.default_rng(1), parents, 3, kind)
    for child in children:
        space.level(child)
    assert np.array_equal(parents, kept)
    assert np.array_equal(children, space.mutate(np.random.default_rng(1), parents, 3, kind))
    distance = space.distance(parents, children)
    assert distance.mean() > 1
    # An edit changes one entry; an overwritten goal may push the agent, and each may take a wall with it.
    assert distance.max() <= 3 * 3
    assert np.array_equal(space.mutate(np.random.default_rng(1), parents, 0, kind), parents)
    for place in range(169, 172):
        assert (parents[:, place] != children[:, place]).any() == (place != 170)


@pytest.mark.parametrize("kind", MUTATIONS)
def test_edits_survive_crowded_and_tiny_mazes(kind):
    space = LevelTaskSpace(2, 2)
    levels = np.repeat(Level.from_rows([">#", "#G"]).vector()[None], 200, axis=0)
    children = space.mutate(np.random.default_rng(0), levels, 20, kind)
    assert len({space.level(child) for child in children}) > 10


def test_single_edits_flip_a_wall_or_move_the_goal_or_the_agent():
    space = LevelTaskSpace(4, 4)
    parents = np.repeat(Level.from_rows([">...", ".##.", "....", "...G"]).vector()[None], 3000, axis=0)
    children = space.mutate(np.random.default_rng(0), parents, 1)
    walls = (parents[:, :-3] != children[:, :-3]).sum(axis=1)
    agent, goal = parents[:, 16] != children[:, 16], parents[:, 18] != children[:, 18]
    assert (walls + agent + goal == 1).all()
    assert [x.mean() for x in (walls, agent, goal)] == pytest.approx([1 / 3] * 3, abs=0.03)
    assert (parents[:, :-3] != children[:, :-3]).any(axis=0).sum() == 14  # all but the agent's and the goal's cell


def test_distance_counts_entries_and_broadcasts():
    space = LevelTaskSpace(3, 3)
    one, other = (Level.from_rows(rows).vector() for rows in (SMALL, ["...", "^#.", ".G."]))
    assert space.distance(one, other) == 3  # a wall, the direction, the goal
    table = space.distance(np.stack([one, other])[:, None], np.stack([one, other]))
    assert table.tolist() == [[0, 3], [3, 0]]


def test_the_space_describes_itself():
    space = LevelTaskSpace(3, 4, generator="dcd", walls=5, max_steps=40)
    assert space.size == 15
    assert space.names[:5] == ("wall_0_0", "wall_0_1", "wall_0_2", "wall_0_3", "wall_1_0")
    assert space.names[-3:] == ("agent", "direction", "goal")
    assert space.high.tolist() == [1] * 12 + [11, 3, 11]
    again = TaskSpace.from_json(space.to_json())
    assert isinstance(again, LevelTaskSpace)
    assert again == space
    assert again.to_json() == space.to_json()
    assert (again.budget, again.max_steps) == (5, 40)
    assert space == LevelTaskSpace(3, 4)  # the same levels, drawn otherwise
    assert hash(space) == hash(LevelTaskSpace(3, 4))
    assert space != LevelTaskSpace(4, 3)
    assert space != BoxTaskSpace({"x": (0, 1)})
    with pytest.raises(TaskError, match="malformed description of a level task space"):
        TaskSpace.from_json({"kind": "level", "height": 3})


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"rows": [">.", ".G"]}, r"mazes here have 3 rows of 3 cells; got rows of lengths \[2, 2\]"),
        ({"rows": ["...", "#..", "..G"]}, "the maze has no agent"),
        ({"rows": 3}, "rows of a maze are a list of strings"),
        ({"row": SMALL}, "unknown task parameter 'row'; did you mean 'rows'"),
        ({}, "'rows' is missing"),
        (SMALL, "a task is a dict with rows"),
    ],
)
def test_a_wrong_task_is_an_error_that_says_why(task, message):
    space = LevelTaskSpace(3, 3)
    with pytest.raises(TaskError, match=message):
        space.vector(task)
    assert not space.contains(task)


def test_levels_have_no_unit_cube():
    space = LevelTaskSpace(3, 3)
    assert not space.has_unit_cube
    for convert in (space.to_unit, space.from_unit):
        with pytest.raises(TaskError, match="have no unit cube; only teachers for levels, such as 'random'"):
            convert(np.zeros(12))
    with pytest.raises(TaskError, match="part 'maze' of a product must have a unit cube"):
        ProductTaskSpace({"maze": space})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"height": 1}, "height must be a whole number, 2 or more; got 1"),
        ({"width": 2.0}, "width must be a whole number"),
        ({"max_steps": 0}, "max_steps must be a whole number, 1 or more"),
        ({"generator": "dxd"}, "generator must be one of dcd, jaxued"),
        ({"walls": 168}, r"walls, the generator's budget, must be a whole number in \[0, 167\]; got 168"),
        ({"walls": True}, "walls, the generator's budget"),
    ],
)
def test_wrong_constructor_arguments_are_errors(arguments, message):
    with pytest.raises(TaskError, match=message):
        LevelTaskSpace(**arguments)
    with pytest.raises(TaskError, match="kind of mutation must be one of flip_or_move, dcd"):
        LevelTaskSpace().mutate(np.random.default_rng(0), np.zeros((1, 172)), 1, "swap")


def test_the_picture_shows_border_walls_goal_and_agent():
    space = LevelTaskSpace(3, 3)
    pictures = []
    for arrow in ">v<^":
        image = space.picture(space.vector({"rows": ["..#", f"{arrow}#.", "..G"]}), cell_pixels=10)
        assert (image.shape, image.dtype) == ((50, 50, 3), np.uint8)
        middle = image[5::10, 5::10]
        wall, free, agent, goal = middle[0, 0], middle[1, 1], middle[2, 1], middle[3, 3]
        assert len({tuple(color) for color in (wall, free, agent, goal)}) == 4
        assert (middle[[0, 4]] == wall).all()
        assert (middle[:, [0, 4]] == wall).all()
        assert (middle[1, 3] == wall).all()
        assert (middle[3, 1] == free).all()
        cell = (image[20:30, 10:20] == agent).all(axis=2)
        halves = {">": cell[:, :5], "v": cell[:5], "<": cell[:, 5:], "^": cell[5:]}
        assert max(halves, key=lambda a: halves[a].sum()) == arrow  # the broad end is behind
        pictures.append(image)
    assert len({picture.tobytes() for picture in pictures}) == 4
