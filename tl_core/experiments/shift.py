"""Head first? A frozen network, all of its weights at once, or the head first: on pictures as they are, and changed.

Fine-tuning everything at once under a head that knows nothing yet may distort what pretraining has taught, which shows
on other pictures than those of training: A. Kumar et al., Fine-tuning can distort pretrained features and underperform
out-of-distribution, 2022, https://arxiv.org/abs/2202.10054. Whether it does here is measured: the runs are those of a
race, and each tries its best weights on its own validation pictures once more, changed. From a notebook:

    from tl_core.experiments import groups, shift
    from tl_core.tasks import registry

    config = registry.FIRST.room("ways").usual(pictures.id)
    experiment = shift.start(config, seeds=3)
    groups.work(experiment)
    print(*shift.verdicts(groups.courses(experiment), registry.FIRST))
"""

from collections.abc import Mapping, Sequence

from tl_core.base.messages import Message, message
from tl_core.base.metrics import metric
from tl_core.experiments import groups, race
from tl_core.experiments.course import Course
from tl_core.experiments.groups import Experiment
from tl_core.experiments.race import Rule
from tl_core.tasks import registry
from tl_core.tasks.registry import Config, Task

FROZEN, HEAD_FIRST, AT_ONCE = "frozen", "head_first", "at_once"
ARMS = (FROZEN, HEAD_FIRST, AT_ONCE)


def fits(task: Task) -> bool:
    """Whether a task's examples can be changed."""
    return hasattr(task.room("ways"), "shifted")


def start(
    config: Config,
    seeds: int = race.SEEDS,
    *,
    owner: str = "",
    name: str = "",
    called: Mapping[str, str] | None = None,
) -> Experiment:
    """Queue the runs: everything as for a race, of a task that `fits`.

    Raises:
        UserError: the disk is full, or may not be written.
    """
    shifted = registry.of(config).room("ways").shifted(config)
    return groups.create("shift", race.planned(shifted, seeds, name, called, ARMS), owner=owner, name=name)


def clean(task: Task) -> Rule:
    """What is compared on the pictures as they are."""
    row = metric(task.metrics[0])
    return Rule(row, lambda course: course.kept(row.key), AT_ONCE)


def under(task: Task, key: str) -> Rule:
    """What is compared on pictures changed in one way, by the name of its metric."""
    return Rule(metric(task.metrics[0]), lambda course: course.beside(key), AT_ONCE)


def changed(task: Task) -> Rule:
    """What is compared on changed pictures: the mean over the ways in which they are."""
    names = task.room("ways").SHIFTED

    def mean(course: Course) -> float | None:
        values = [value for name in names if (value := course.beside(name)) is not None]
        return sum(values) / len(values) if len(values) == len(names) else None

    return Rule(metric(task.metrics[0]), mean, AT_ONCE)


def verdicts(courses: Sequence[Course], task: Task) -> list[Message]:
    """What head first gains over all at once: on changed pictures, and on the same pictures as they are.

    Only seeds count with which both have finished; of one seed it is said that it proves nothing.
    """
    seeds = [{course.seed for course in courses if course.done and course.arm == arm} for arm in (HEAD_FIRST, AT_ONCE)]
    both = [course for course in courses if course.done and course.seed in seeds[0] & seeds[1]]
    if not both:
        return [message("There is no verdict yet: both ways to fine-tune have to finish with the same seed.")]
    return [
        _sentence(both, task, changed(task), message("changed pictures")),
        _sentence(both, task, clean(task), message("the same pictures as they are")),
    ]


def _sentence(courses: Sequence[Course], task: Task, rule: Rule, where: Message) -> Message:
    ways, found = task.room("ways").WAYS, race.standings(courses, task, rule)
    if not {HEAD_FIRST, AT_ONCE} <= found.keys():
        return message("On {where} nothing was measured.", where=where)
    first, second = found[HEAD_FIRST], found[AT_ONCE]
    gain = 100 * (first.mean - second.mean)
    values = {
        "where": where,
        "first": ways[HEAD_FIRST],
        "second": ways[AT_ONCE],
        "one": rule.row.shown(first.mean),
        "other": rule.row.shown(second.mean),
        "gain": f"{abs(gain):.1f}",
        "n": max((course.examples for course in courses), default=0),
    }
    verdict = race.compared(courses, rule, AT_ONCE, HEAD_FIRST)
    if verdict is None:
        return message(
            "On {where} “{first}” reaches {one} and “{second}” {other} (n = {n}). One seed proves nothing: another one "
            "may turn it round. Take at least two.",
            **values,
        )
    values |= {
        "low": f"{100 * verdict.difference.low:+.1f}",
        "high": f"{100 * verdict.difference.high:+.1f}",
        "method": verdict.method,
    }
    match verdict.kind:
        case "better":
            return message(
                "On {where} “{first}” gains {gain} points over “{second}”: {one} against {other}, n = {n} a seed. That "
                "is more than seed noise (95 % interval {low} to {high}; {method}).",
                **values,
            )
        case "worse":
            return message(
                "On {where} “{first}” loses {gain} points to “{second}”: {one} against {other}, n = {n} a seed. That "
                "is more than seed noise (95 % interval {low} to {high}; {method}).",
                **values,
            )
        case _:
            return message(
                "On {where} no gain of “{first}” over “{second}” can be shown: {one} against {other}, n = {n} a seed. "
                "The difference of {gain} points is within seed noise (95 % interval {low} to {high}; {method}).",
                **values,
            )
