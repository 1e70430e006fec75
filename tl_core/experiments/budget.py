"""How many examples is pretraining worth? Frozen and from scratch, a run for each number of examples a class and seed.

What the curves say is `tl_core.labs.worth`'s business. From a notebook:

    from tl_core.experiments import budget, groups
    from tl_core.tasks import registry

    config = registry.FIRST.room("ways").usual(pictures.id)
    experiment = budget.start(config, (5, 20, 50), seeds=3)
    groups.work(experiment)
    print(budget.headline(groups.courses(experiment), registry.FIRST))
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tl_core.base.messages import Message, message
from tl_core.experiments import groups
from tl_core.experiments.course import Course
from tl_core.experiments.groups import Experiment, Guess, Planned
from tl_core.labs import noise, worth
from tl_core.labs.noise import Interval
from tl_core.labs.worth import Curve, Worth
from tl_core.tasks import registry
from tl_core.tasks.registry import Config, Task

FROZEN, SCRATCH = "frozen", "scratch"
ARMS = (FROZEN, SCRATCH)
SIZES = (2, 5, 10, 20, 50, 100, 200, 500)  # examples a class that are offered
SEEDS = 3
DOUBLINGS = 4.0  # a guess that is off by a factor of two so often counts as missed altogether


@dataclass(frozen=True)
class Reached:
    """What one way has reached with so many examples, over its seeds that have finished."""

    mean: float
    interval: Interval | None  # None with one seed
    seeds: int


def start(
    config: Config,
    sizes: Sequence[int],
    seeds: int = SEEDS,
    *,
    owner: str = "",
    name: str = "",
    called: Mapping[str, str] | None = None,
) -> Experiment:
    """Queue the runs; everything of the first seed comes before anything of the second.

    Args:
        config: as the ways of its task take it, which has `sized` among them.
        sizes: training examples of each class.
        seeds: how many, counted up from the config's own.
        owner, name, called: as for a race.

    Raises:
        UserError: the disk is full, or may not be written.
    """
    room = registry.of(config).room("ways")
    planned = []
    for seed in range(config.seed, config.seed + seeds):  # type: ignore[attr-defined]
        for size in sorted(sizes):
            ways = room.ways(room.sized(room.seeded(config, seed), size))
            for arm in ARMS:
                label = f"{(called or {}).get(arm, arm)} · {size} · {seed}"
                planned.append(Planned(arm, seed, size, ways[arm], f"{name} · {label}" if name else label))
    return groups.create("budget", planned, owner=owner, name=name)


def reached(courses: Sequence[Course], task: Task) -> dict[tuple[str, int], Reached]:
    """(way, examples a class) -> what it has reached."""
    key, found = task.metrics[0], {}
    for arm, size in sorted({(course.arm, course.size) for course in courses}):
        own = [course for course in courses if (course.arm, course.size) == (arm, size) and course.done]
        values = [value for course in own if (value := course.kept(key)) is not None]
        if values:
            mean = sum(values) / len(values)
            found[arm, size] = Reached(mean, noise.interval(values, _resolution(own)), len(values))
    return found


def found(courses: Sequence[Course], task: Task) -> Worth | None:
    """What pretraining is worth; None until two seeds have finished with every number of examples, both ways."""
    curves, seeds = _curves(courses, task.metrics[0])
    if seeds < 2 or len(curves[FROZEN]) < 2:
        return None
    return worth.headline(curves[FROZEN], curves[SCRATCH], _resolution(courses) or 0.01)


def headline(courses: Sequence[Course], task: Task) -> Message:
    """The same in a sentence, or why there is none yet."""
    what = found(courses, task)
    if what is None:
        return message(
            "What pretraining is worth can't be said yet: at least two seeds have to finish with every number of "
            "examples, and at least two such numbers."
        )
    return what.message


@dataclass(frozen=True)
class Score:
    """How good a guess was, of 100."""

    points: int
    message: Message


def score(guess: Guess, courses: Sequence[Course], task: Task) -> Score | None:
    """Hold a guess of how many examples a class pretraining is worth against what was found; None before that.

    Each factor of two that it is off costs a quarter; where only a lower bound is known, all beyond it is right.
    """
    what = found(courses, task)
    if what is None:
        return None
    actual = what.worth or 0
    off = abs(math.log2((max(guess.amount, 0.0) + 1.0) / (actual + 1.0)))
    if what.kind == "more" and guess.amount >= actual:
        off = 0.0
    points = round(100 * max(0.0, 1.0 - off / DOUBLINGS))
    values = {"points": points, "guessed": f"{guess.amount:g}", "actual": actual}
    match what.kind:
        case "more":
            text = message(
                "Your guess gets {points} of 100: you said {guessed} examples a class; here it is more than {actual}.",
                **values,
            )
        case "about":
            text = message(
                "Your guess gets {points} of 100: you said {guessed} examples a class; here it is about {actual}.",
                **values,
            )
        case _:
            text = message(
                "Your guess gets {points} of 100: you said {guessed} examples a class; here no gain can be shown.",
                **values,
            )
    return Score(points, text)


def _curves(courses: Sequence[Course], key: str) -> tuple[dict[str, Curve], int]:
    """Both curves over those seeds that have finished everywhere, and how many these are."""
    values = {
        (course.arm, course.size, course.seed): value
        for course in courses
        if course.done and (value := course.kept(key)) is not None
    }
    sizes = sorted({course.size for course in courses})
    seeds = [
        seed
        for seed in sorted({course.seed for course in courses})
        if all((arm, size, seed) in values for arm in ARMS for size in sizes)
    ]
    curves: dict[str, Curve] = {
        arm: {size: [values[arm, size, seed] for seed in seeds] for size in sizes} for arm in ARMS
    }
    return curves, len(seeds)


def _resolution(courses: Sequence[Course]) -> float:
    """The smallest difference that an accuracy on the validation part can show; 0 where that is not known yet."""
    examples = max((course.examples for course in courses), default=0)
    return 1.0 / examples if examples else 0.0
