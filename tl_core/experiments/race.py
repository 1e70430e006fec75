"""The race: the ways to use one pretrained network on the same data, a run each and seed, and what came out.

Whether a way is better than another is the paired t-test's over seeds (`tl_core.labs.noise`); a way is judged by its
task's first metric, in the epoch whose weights are kept.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tl_core.base.messages import Message, message
from tl_core.base.metrics import Metric, metric
from tl_core.experiments import groups
from tl_core.experiments.course import Course, amount, judged, level
from tl_core.experiments.groups import Experiment, Guess, Planned
from tl_core.labs import noise
from tl_core.labs.noise import Interval, Verdict
from tl_core.tasks import registry
from tl_core.tasks.registry import Config, Task

SEEDS = 3
TOLERANCE = 20.0  # points (or per cent) by which a guess may be off until it counts as missed altogether


@dataclass(frozen=True)
class Rule:
    """By what ways are compared.

    Attributes:
        row: the metric.
        measured: its value for a run; None where it has none (yet).
        against: the way that the others are held against.
    """

    row: Metric
    measured: Callable[[Course], float | None]
    against: str


def usual(task: Task) -> Rule:
    """The task's first metric in the epoch whose weights are kept, against the task's own reference."""
    row = metric(task.metrics[0])
    return Rule(row, lambda course: course.kept(row.key), task.room("ways").AGAINST)


@dataclass(frozen=True)
class Standing:
    """How a way has done so far, over its seeds that have results.

    Attributes:
        arm: the way.
        mean: of the metric.
        interval: with 95 % confidence; None with one seed.
        seconds, parameters: of a run on average, and trained in its largest phase; None where no run says it.
        seeds: with results.
        beside: means of further metrics, by name.
    """

    arm: str
    mean: float
    interval: Interval | None
    seconds: float | None
    parameters: int | None
    seeds: int
    beside: Mapping[str, float]


def start(
    config: Config,
    seeds: int = SEEDS,
    *,
    owner: str = "",
    name: str = "",
    called: Mapping[str, str] | None = None,
    arms: Sequence[str] = (),
) -> Experiment:
    """Queue a race; the first seed of every way runs before the second of any.

    Args:
        config: as the ways of its task take it.
        seeds: how many, counted up from the config's own.
        owner: a person's id.
        name: of the experiment.
        called: what the ways are called in the names of their runs.
        arms: the ways that take part; empty: all.

    Raises:
        UserError: the disk is full, or may not be written.
    """
    return groups.create("race", planned(config, seeds, name, called, arms), owner=owner, name=name)


def planned(
    config: Config, seeds: int, name: str, called: Mapping[str, str] | None = None, arms: Sequence[str] = ()
) -> list[Planned]:
    """The runs of so many seeds in each way, as `start` takes them."""
    room = registry.of(config).room("ways")
    found = []
    for seed in range(config.seed, config.seed + seeds):  # type: ignore[attr-defined]
        for arm, each in room.ways(room.seeded(config, seed)).items():
            if not arms or arm in arms:
                label = f"{(called or {}).get(arm, arm)} · {seed}"
                found.append(Planned(arm, seed, 0, each, f"{name} · {label}" if name else label))
    return found


def standings(courses: Sequence[Course], task: Task, rule: Rule | None = None) -> dict[str, Standing]:
    """Way -> how it has done; ways without results are left out, the others are in the order of the task's."""
    room, rule = task.room("ways"), rule or usual(task)
    found = {}
    for arm in room.WAYS:
        own = [course for course in courses if course.arm == arm and rule.measured(course) is not None]
        values = [value for course in own if (value := rule.measured(course)) is not None]
        if not values:
            continue
        seconds = [course.seconds for course in own if course.done and course.seconds is not None]
        beside = {key: [value for course in own if (value := course.beside(key)) is not None] for key in room.BESIDE}
        found[arm] = Standing(
            arm,
            sum(values) / len(values),
            noise.interval(values, _resolution(own)),
            sum(seconds) / len(seconds) if seconds else None,
            max((course.trainable for course in own if course.trainable is not None), default=None),
            len(values),
            {key: sum(each) / len(each) for key, each in beside.items() if each},
        )
    return found


def winner(found: Mapping[str, Standing], row: Metric) -> str | None:
    """The way with the best mean; None where there is none."""
    return max(found, key=lambda arm: judged(row, found[arm].mean), default=None)


def verdicts(courses: Sequence[Course], task: Task) -> list[Message]:
    """What was found here, in sentences: the best way against the task's reference, and against the second best.

    Only seeds count with which both ways have finished; of one seed it is said that it proves nothing.
    """
    room, row = task.room("ways"), metric(task.metrics[0])
    found = standings([course for course in courses if course.done], task)
    if len(found) < 2:
        return [message("There is no verdict yet: at least two ways have to finish.")]
    order = sorted(found, key=lambda arm: -judged(row, found[arm].mean))
    against = room.AGAINST
    pairs = [(next(arm for arm in order if arm != against), against)] if against in found else []
    if not pairs or set(order[:2]) != set(pairs[0]):
        pairs.append((order[0], order[1]))
    return [_sentence(courses, task, found[best], found[other]) for best, other in pairs]


def compared(courses: Sequence[Course], rule: Rule, first: str, second: str) -> Verdict | None:
    """Whether the second way is better than the first; None with fewer than two seeds of both."""
    one, two = (_by_seed(courses, rule, arm) for arm in (first, second))
    both = sorted(one.keys() & two.keys())
    if len(both) < 2:
        return None
    resolution = _resolution(courses) if rule.row.scale == "share" else 0.0
    return noise.verdict([one[seed] for seed in both], [two[seed] for seed in both], resolution)


@dataclass(frozen=True)
class Score:
    """How good a guess was: at most 50 for the way, at most 50 for the amount."""

    points: int
    right: bool  # the way that it named has won, or cannot be told from the one that has
    actual: float
    message: Message


def score(guess: Guess, courses: Sequence[Course], task: Task, rule: Rule | None = None) -> Score | None:
    """Hold a guess against what came out; None as long as there is no winner to hold it against."""
    room, rule = task.room("ways"), rule or usual(task)
    row = rule.row
    found = standings([course for course in courses if course.done], task, rule)
    best = winner(found, row)
    if best is None or len(found) < 2:
        return None
    other = rule.against
    if best == other or other not in found:
        other = max((arm for arm in found if arm != best), key=lambda arm: judged(row, found[arm].mean))
    actual = amount(row, judged(row, found[best].mean) - judged(row, found[other].mean))
    right = guess.arm == best
    if not right and guess.arm in found:
        difference = compared(courses, rule, guess.arm, best)
        right = difference is not None and difference.kind == "noise"
    near = max(0.0, 1.0 - abs(guess.amount - actual) / TOLERANCE)
    points = 50 * right + round(50 * near)
    values = {
        "points": points,
        "guessed": room.WAYS.get(guess.arm, Message(guess.arm)),
        "amount": f"{guess.amount:g}",
        "best": room.WAYS[best],
        "actual": f"{actual:.1f}",
        "other": room.WAYS[other],
        "unit": unit(row),
    }
    if right:
        text = message(
            "Your guess gets {points} of 100: “{guessed}” was right, or as good as right; you said {amount} {unit}, "
            "and “{best}” lies {actual} {unit} ahead of “{other}”.",
            **values,
        )
    else:
        text = message(
            "Your guess gets {points} of 100: you said “{guessed}” by {amount} {unit}, but “{best}” has won, {actual} "
            "{unit} ahead of “{other}”.",
            **values,
        )
    return Score(points, right, actual, text)


def guessed(guess: Guess, task: Task) -> Message:
    """A guess in a few words."""
    room, row = task.room("ways"), metric(task.metrics[0])
    name = room.WAYS.get(guess.arm, Message(guess.arm))
    return message("{way}, +{amount} {unit}", way=name, amount=f"{guess.amount:g}", unit=unit(row))


def guessed_level(guess: Guess, courses: Sequence[Course], task: Task, rule: Rule | None = None) -> float | None:
    """Where in the picture the guessed way would end, as far as the ways it was held against have come; else None."""
    rule = rule or usual(task)
    found = standings(courses, task, rule)
    others = [arm for arm in found if arm != guess.arm]
    if rule.against in others:
        others = [rule.against]
    best = winner({arm: found[arm] for arm in others}, rule.row)
    return None if best is None else level(rule.row, found[best].mean, guess.amount)


def unit(row: Metric) -> Message:
    """What an amount of this metric is counted in, within a sentence."""
    return message("% of {metric}", metric=row.noun) if row.scale == "log" else message("points")


def _sentence(courses: Sequence[Course], task: Task, best: Standing, other: Standing) -> Message:
    room, row = task.room("ways"), metric(task.metrics[0])
    found = compared(courses, usual(task), other.arm, best.arm)
    gain = judged(row, best.mean) - judged(row, other.mean)
    values = {
        "best": room.WAYS[best.arm],
        "other": room.WAYS[other.arm],
        "gain": f"{abs(amount(row, found.difference.mean if found else gain)):.1f}",
        "unit": unit(row),
        "cost": _cost(best, other),
    }
    if found is None:
        return message(
            "“{best}” lies {gain} {unit} ahead of “{other}”, {cost}. One seed proves nothing: another one may turn it "
            "round. Take at least two.",
            **values,
        )
    values |= {
        "low": f"{amount(row, found.difference.low):+.1f}",
        "high": f"{amount(row, found.difference.high):+.1f}",
        "method": found.method,
    }
    match found.kind:
        case "better":
            return message(
                "“{best}” beats “{other}” by {gain} {unit}, {cost}. That is more than seed noise (95 % interval {low} "
                "to {high}; {method}).",
                **values,
            )
        case "worse":
            return message(
                "“{other}” beats even “{best}” by {gain} {unit}. That is more than seed noise (95 % interval {low} to "
                "{high}; {method}). {meaning}",
                meaning=room.BEATEN,
                **values,
            )
        case _:
            return message(
                "Whether “{best}” beats “{other}” can't be said: the difference of {gain} {unit} is within seed noise "
                "(95 % interval {low} to {high}; {method}). “{best}” trains {cost}.",
                **values,
            )


def _cost(best: Standing, other: Standing) -> Message:
    """What the better way costs, within a sentence."""
    values = {"n": _written(best.parameters), "m": _written(other.parameters)}
    if not best.seconds or not other.seconds:
        return message("with {n} trained parameters instead of {m}", **values)
    times = f"{best.seconds / other.seconds:.1f}"
    return message("in {times} times the time and with {n} trained parameters instead of {m}", times=times, **values)


def _written(parameters: int | None) -> str:
    return "?" if parameters is None else f"{parameters:,}"


def _by_seed(courses: Sequence[Course], rule: Rule, arm: str) -> dict[int, float]:
    own = [course for course in courses if course.arm == arm and course.done]
    return {course.seed: judged(rule.row, value) for course in own if (value := rule.measured(course)) is not None}


def _resolution(courses: Sequence[Course]) -> float:
    """The smallest difference that an accuracy on the validation part can show."""
    examples = max((course.examples for course in courses), default=0)
    return 1.0 / examples if examples else 0.0
