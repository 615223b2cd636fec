"""Task spaces: sampling, the unit cube, round trips, and what is refused."""

import json
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachrl_envs.tasks import (
    BoxTaskSpace,
    Dimension,
    DiscreteTaskSpace,
    ProductTaskSpace,
    TaskError,
    TaskSpace,
    task_from_options,
)

without_deadline = settings(deadline=None, max_examples=60)  # a slow machine is not a wrong result

names = st.text(st.characters(codec="utf-8", exclude_characters="."), min_size=1, max_size=8)
reals = st.floats(-1e6, 1e6, allow_nan=False)
whole = st.integers(-(10**6), 10**6)
choices = st.one_of(st.text(max_size=5), st.booleans(), whole, reals)


def ordered(pair):
    return tuple(sorted(pair))


@st.composite
def boxes(draw):
    continuous = draw(st.dictionaries(names, st.tuples(reals, reals).map(ordered), max_size=4))
    integer = draw(st.dictionaries(names, st.tuples(whole, whole).map(ordered), min_size=1, max_size=4))
    return BoxTaskSpace({**continuous, **integer}, integer=list(integer))


discretes = st.one_of(
    st.builds(DiscreteTaskSpace, st.integers(1, 50), name=names),
    st.builds(
        DiscreteTaskSpace,
        st.lists(choices, min_size=1, max_size=6, unique_by=lambda c: (isinstance(c, bool), c)),
        name=names,
    ),
)
spaces = st.recursive(
    st.one_of(boxes(), discretes),
    lambda parts: st.builds(ProductTaskSpace, st.dictionaries(names, parts, min_size=1, max_size=3)),
    max_leaves=4,
)
seeds = st.integers(0, 2**32 - 1)

TERRAIN = BoxTaskSpace({"length": (0.2, 2.0), "legs": (2, 6)}, integer=["legs"])
GROUND = DiscreteTaskSpace(["flat", "stairs", 3, True], name="ground")
PRODUCT = ProductTaskSpace({"terrain": TERRAIN, "start": DiscreteTaskSpace(3, name="place")})


@without_deadline
@given(spaces, seeds)
def test_samples_are_valid_tasks(space, seed):
    vectors = space.sample(np.random.default_rng(seed), 20)
    assert vectors.shape == (20, space.size)
    assert np.all((vectors >= space.low) & (vectors <= space.high))
    assert all(space.contains(space.task(v)) for v in vectors)


@without_deadline
@given(spaces, seeds)
def test_the_same_generator_state_gives_the_same_sample(space, seed):
    first, again = (space.sample(np.random.default_rng(seed), 5) for _ in range(2))
    assert np.array_equal(first, again)


@pytest.mark.parametrize(
    ("space", "values"),
    [
        (BoxTaskSpace({"n": (-2, 4)}, integer=["n"]), range(-2, 5)),
        (DiscreteTaskSpace(["a", "b", "c"]), ["a", "b", "c"]),
    ],
)
def test_whole_numbers_and_choices_are_drawn_uniformly(space, values):
    n = 21_000
    drawn = Counter(next(iter(space.task(v).values())) for v in space.sample(np.random.default_rng(0), n))
    assert set(drawn) == set(values)
    expected = n / len(drawn)
    assert all(abs(count - expected) < 5 * math.sqrt(expected) for count in drawn.values())


def test_continuous_parameters_are_drawn_uniformly():
    drawn = BoxTaskSpace({"x": (-3.0, 5.0)}).sample(np.random.default_rng(0), 20_000)
    counts, _ = np.histogram(drawn, bins=10, range=(-3.0, 5.0))
    assert np.all(abs(counts - 2000) < 5 * math.sqrt(2000))


@without_deadline
@given(spaces, seeds)
def test_unit_round_trip(space, seed):
    vectors = space.sample(np.random.default_rng(seed), 10)
    unit = space.to_unit(vectors)
    assert np.all((unit >= 0) & (unit <= 1 + 1e-12))
    back = space.from_unit(unit)
    exact = np.array([d.kind != "continuous" for d in space.dimensions])
    assert np.array_equal(back[:, exact], vectors[:, exact])
    np.testing.assert_allclose(back, vectors, rtol=1e-12, atol=1e-9)


@without_deadline
@given(spaces)
def test_the_cube_s_corners_are_the_bounds_and_points_outside_are_clipped(space):
    for low, high in ((0.0, 1.0), (-7.0, 7.0)):
        assert np.array_equal(space.from_unit(np.full(space.size, low)), space.low)
        np.testing.assert_allclose(space.from_unit(np.full(space.size, high)), space.high, rtol=1e-12, atol=1e-9)


def test_a_fixed_parameter_has_one_value_and_is_zero_in_the_cube():
    space = BoxTaskSpace({"x": (1.5, 1.5), "n": (3, 3)}, integer=["n"])
    vectors = space.sample(np.random.default_rng(0), 50)
    assert np.array_equal(vectors, np.tile([1.5, 3.0], (50, 1)))
    assert space.to_unit(vectors)[0, 0] == 0.0
    assert np.array_equal(space.from_unit(space.to_unit(vectors)), vectors)
    assert space.task(vectors[0]) == {"x": 1.5, "n": 3}


@without_deadline
@given(spaces, seeds)
def test_vector_task_json_round_trip(space, seed):
    for vector in space.sample(np.random.default_rng(seed), 5):
        task = space.task(vector)
        assert np.array_equal(space.vector(task), vector)
        assert np.array_equal(space.vector(json.loads(json.dumps(task))), vector)


@without_deadline
@given(spaces)
def test_the_description_survives_json(space):
    for sort_keys in (False, True):
        again = TaskSpace.from_json(json.loads(json.dumps(space.to_json(), sort_keys=sort_keys)))
        assert again == space
        assert hash(again) == hash(space)
        assert again.names == space.names
        assert again.dimensions == space.dimensions


def test_vectors_of_a_product_follow_the_order_of_its_parts():
    swapped = ProductTaskSpace(dict(reversed(PRODUCT.parts.items())))
    assert PRODUCT.names == ("terrain.length", "terrain.legs", "start.place")
    assert swapped.names == ("start.place", "terrain.length", "terrain.legs")
    assert swapped != PRODUCT


def test_values_of_a_task_have_the_python_types_of_their_parameters():
    task = TERRAIN.task(np.array([0.5, 4.0]))
    assert [type(v) for v in task.values()] == [float, int]
    assert GROUND.task(np.array([3.0])) == {"ground": True}
    assert GROUND.vector({"ground": True}) == [3.0]


@pytest.mark.parametrize("number", [np.float32, np.float64, np.int64, np.uint8, np.array])
def test_numpy_numbers_are_numbers(number):
    assert np.array_equal(TERRAIN.vector({"length": number(1), "legs": number(2)}), [1.0, 2.0])
    assert DiscreteTaskSpace(3).vector({"task": number(2)}) == [2.0]


WRONG_NUMBERS = [math.nan, math.inf, -math.inf, True, np.True_, "1", None, [1.0], np.ones(2), 1j, 10**400]


@pytest.mark.parametrize("value", [*WRONG_NUMBERS, 0.1, 2.1, np.nextafter(2.0, 3.0)])
def test_a_wrong_number_is_refused_with_its_name_and_range(value):
    with pytest.raises(TaskError, match=r"length must be a number in \[0\.2, 2\]; got "):
        TERRAIN.vector({"length": value, "legs": 2})
    assert not TERRAIN.contains({"length": value, "legs": 2})


@pytest.mark.parametrize("value", [*WRONG_NUMBERS, 1, 7, 2.5])
def test_a_wrong_whole_number_is_refused_with_its_name_and_range(value):
    with pytest.raises(TaskError, match=r"legs must be a whole number in \[2, 6\]; got "):
        TERRAIN.vector({"length": 1.0, "legs": value})


@pytest.mark.parametrize("value", [math.nan, math.inf, False, "Flat", None, 4, 1, np.ones(2), [3], "3"])
def test_a_wrong_choice_is_refused_with_its_name_and_range(value):
    with pytest.raises(TaskError, match=r"ground must be one of 'flat', 'stairs', 3, True; got "):
        GROUND.vector({"ground": value})
    assert not GROUND.contains({"ground": value})


def test_true_is_not_one_in_any_of_numpy_s_spellings():
    for value in (True, np.True_, np.array(True)):
        with pytest.raises(TaskError, match=r"task must be one of 0, 1; got "):
            DiscreteTaskSpace(2).vector({"task": value})
        assert DiscreteTaskSpace([0, True]).vector({"task": value}) == [1.0]


def test_single_precision_does_not_slip_over_a_bound():
    narrow = BoxTaskSpace({"x": (0.0, 0.1)})
    with pytest.raises(TaskError, match=r"x must be a number in \[0, 0\.1\]"):
        narrow.vector({"x": np.float32(0.1)})  # 0.10000000149


@without_deadline
@given(spaces, seeds, st.sampled_from([math.nan, math.inf, -math.inf, None, [], {}]))
def test_any_value_of_any_task_is_checked(space, seed, bad):
    def spoilt(task, path):
        for name, value in task.items():
            if isinstance(value, dict):
                for part, where in spoilt(value, [*path, name]):
                    yield {**task, name: part}, where
            else:
                yield {**task, name: bad}, [*path, name]

    task = space.task(space.sample(np.random.default_rng(seed), 1)[0])
    for wrong, path in spoilt(task, []):
        with pytest.raises(TaskError) as raised:
            space.vector(wrong)
        assert str(raised.value).startswith(": ".join(path) + " must be ")


def test_an_unknown_parameter_is_refused_and_the_closest_suggested():
    with pytest.raises(TaskError, match=r"unknown task parameter 'lenght'; did you mean 'length'\? .*length, legs"):
        TERRAIN.vector({"lenght": 1.0, "legs": 2})
    with pytest.raises(TaskError, match=r"unknown task parameter 'water'\. Parameters here: length, legs"):
        TERRAIN.vector({"length": 1.0, "legs": 2, "water": 1.0})
    with pytest.raises(TaskError, match=r"unknown task parameter 5"):
        TERRAIN.vector({5: 1.0})


def test_a_missing_parameter_is_refused():
    with pytest.raises(TaskError, match=r"task parameter 'legs' is missing; a task needs length, legs"):
        TERRAIN.vector({"length": 1.0})
    with pytest.raises(TaskError, match=r"task parameter 'start' is missing"):
        PRODUCT.vector({"terrain": {"length": 1.0, "legs": 2}})


@pytest.mark.parametrize("task", [None, 3, "length", [1.0, 2.0], np.ones(2)])
def test_only_dicts_are_tasks(task):
    for space in (TERRAIN, GROUND, PRODUCT):
        with pytest.raises(TaskError, match=r"a task is a dict with "):
            space.vector(task)


def test_errors_in_a_product_name_the_part():
    with pytest.raises(TaskError, match=r"terrain: legs must be a whole number in \[2, 6\]; got 9"):
        PRODUCT.vector({"terrain": {"length": 1.0, "legs": 9}, "start": {"place": 0}})
    with pytest.raises(TaskError, match=r"start: a task is a dict with place; got 0"):
        PRODUCT.vector({"terrain": {"length": 1.0, "legs": 2}, "start": 0})


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: BoxTaskSpace({}), "at least one parameter"),
        (lambda: BoxTaskSpace({"x": (1.0, 0.0)}), "x: the lower bound 1 is above the upper bound 0"),
        (lambda: BoxTaskSpace({"x": (0.0, math.inf)}), "x: bounds must be finite"),
        (lambda: BoxTaskSpace({"x": (math.nan, 1.0)}), "x: bounds must be finite"),
        (lambda: BoxTaskSpace({"x": (False, True)}), "x: bounds must be finite"),
        (lambda: BoxTaskSpace({"x": (-1.7e308, 1.7e308)}), "x: .*too far apart"),
        (lambda: BoxTaskSpace({"x": (0.0,)}), r"x: bounds are a pair \(low, high\)"),
        (lambda: BoxTaskSpace({"x": "01"}), r"x: bounds are a pair \(low, high\)"),
        (lambda: BoxTaskSpace({"n": (0.5, 2)}, integer=["n"]), "n: integer bounds must be whole numbers"),
        (lambda: BoxTaskSpace({"n": (0, 2)}, integer=["m"]), "integer parameter 'm' has no bounds"),
        (lambda: BoxTaskSpace({"": (0, 1)}), "needs a name"),
        (lambda: Dimension(3, 0, 1), "needs a name"),
        (lambda: DiscreteTaskSpace(0), "at least one choice"),
        (lambda: DiscreteTaskSpace([]), "at least one choice"),
        (lambda: DiscreteTaskSpace("abc"), "a number or a list of values"),
        (lambda: DiscreteTaskSpace(True), "a number or a list of values"),
        (lambda: DiscreteTaskSpace(["a", "a"]), "not all different"),
        (lambda: DiscreteTaskSpace([1, 1.0]), "not all different"),
        (lambda: DiscreteTaskSpace([[1], [2]]), "choices are strings, numbers or booleans"),
        (lambda: DiscreteTaskSpace([math.nan]), "choices are strings, numbers or booleans"),
        (lambda: ProductTaskSpace({}), "at least one parameter"),
        (lambda: ProductTaskSpace({"a": 3}), "part 'a' of a product must be a TaskSpace"),
    ],
)
def test_malformed_spaces_are_refused(build, message):
    with pytest.raises(TaskError, match=message):
        build()


@pytest.mark.parametrize(
    "description", [None, {}, {"kind": "box"}, {"kind": "disc"}, {"kind": "product", "parts": [3]}]
)
def test_malformed_descriptions_are_refused(description):
    with pytest.raises(TaskError, match=r"malformed description|a task space is of kind"):
        TaskSpace.from_json(description)


def test_task_from_options():
    assert task_from_options(TERRAIN, None) is None
    assert task_from_options(TERRAIN, {"other": 1}) is None
    assert np.array_equal(task_from_options(TERRAIN, {"task": {"legs": 2, "length": 1}}), [1.0, 2.0])
    with pytest.raises(TaskError, match="legs"):
        task_from_options(TERRAIN, {"task": {"length": 1.0, "legs": 1}})


def test_the_text_of_a_space_names_parameters_and_ranges():
    assert repr(TERRAIN) == "BoxTaskSpace(length: a number in [0.2, 2], legs: a whole number in [2, 6])"


@without_deadline
@given(spaces, seeds, st.integers(0, 4))
def test_edits_stay_in_the_space_and_change_as_many_parameters_at_most(space: TaskSpace, seed: int, edits: int) -> None:
    rng = np.random.default_rng(seed)
    parents = space.sample(rng, 5)
    kept = parents.copy()
    children = space.mutate(rng, parents, edits)
    assert np.array_equal(parents, kept)
    for child in children:
        assert space.contains(space.task(child))
    assert ((children != parents).sum(axis=1) <= edits).all()


def test_an_edit_is_a_small_step_of_a_number_one_of_a_whole_number_and_any_other_choice() -> None:
    parents = np.repeat(PRODUCT.vector({"terrain": {"length": 1.1, "legs": 4}, "start": {"place": 1}})[None], 600, 0)
    moves = PRODUCT.mutate(np.random.default_rng(0), parents, 1) - parents
    length, legs, place = moves.T
    assert 0.04 < np.abs(length).max() / (2.0 - 0.2) <= 0.05
    assert set(legs) == set(place) == {-1.0, 0.0, 1.0}
    assert ((moves != 0).sum(axis=1) == 1).all()
    assert (moves != 0).mean(axis=0) == pytest.approx([1 / 3] * 3, abs=0.06)
    edge = GROUND.mutate(np.random.default_rng(0), np.zeros((300, 1)), 1)
    assert Counter(edge[:, 0]).keys() == {1.0, 2.0, 3.0}


def test_what_nobody_knows_of_numbers_is_an_error_that_says_so() -> None:
    tasks = TERRAIN.sample(np.random.default_rng(0), 2)
    for ask in (
        TERRAIN.is_solvable,
        TERRAIN.optimal_return,
        lambda t: TERRAIN.sample_easy(np.random.default_rng(0), 1),
    ):
        with pytest.raises(TaskError, match=r"nobody can tell .* BoxTaskSpace\(length"):
            ask(tasks)
    with pytest.raises(TaskError, match="one kind of mutation, which has no name; got 'dcd'"):
        TERRAIN.mutate(np.random.default_rng(0), tasks, 1, "dcd")
