"""The ways of every task: the same experiment, in which only weights, boundary and phases differ."""

import pytest

from tl_core.base import settings
from tl_core.tasks import registry
from tl_core.tasks.registry import TASKS

MAY_DIFFER = {
    "backbone.weights",
    "encoder.weights",
    "lora_rank",
    "phases.frozen_blocks",
    "phases.epochs",
    "phases.learning_rate",
    "phases.schedule",
}
each_task = pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)


@each_task
def test_only_weights_boundary_and_phases_differ_between_the_ways(task):
    room = task.room("ways")
    ways = room.ways(room.seeded(room.usual("0123"), 7))
    assert list(ways) == list(room.WAYS) and room.AGAINST in ways
    told = {arm: {row.name: row.values for row in settings.rows(config)} for arm, config in ways.items()}
    first = next(iter(told.values()))
    differing = {name for rows in told.values() for name in rows if rows[name] != first[name]}
    assert differing and differing <= MAY_DIFFER
    assert all(registry.config(config.to_json()) == config for config in ways.values()), "they can be read back"
    assert {config.seed for config in ways.values()} == {7}


@each_task
def test_the_ways_take_the_same_number_of_epochs_and_differ_in_how_much_learns(task):
    room = task.room("ways")
    usual = room.usual("0123")
    ways = room.ways(usual)
    assert {config.epochs for config in ways.values()} == {usual.epochs}
    assert {config.phases[-1].frozen_blocks for config in ways.values()} >= {0}
    assert ways["frozen"].phases[0].frozen_blocks != 0 == ways["at_once"].phases[0].frozen_blocks


@pytest.mark.parametrize("kind", ["image", "text_classification"])
def test_classifiers_begin_at_random_in_one_way_only_and_take_another_split_with_another_seed(kind):
    room = TASKS[kind].room("ways")
    usual = room.usual("0123")
    ways = room.ways(usual)
    network = {"image": "backbone", "text_classification": "encoder"}[kind]
    assert [arm for arm in ways if getattr(ways[arm], network).weights == "random"] == ["scratch"]
    assert len(ways["head_first"].phases) == 2
    assert room.seeded(usual, 3).data.seed == 3


@pytest.mark.parametrize("kind", ["image", "text_classification"])
def test_examples_can_be_few_and_all_else_stays(kind):
    room = TASKS[kind].room("ways")
    usual = room.usual("0123")
    few = room.sized(usual, 5)
    assert few.data.per_class == 5 and room.sized(few, usual.data.per_class) == usual
