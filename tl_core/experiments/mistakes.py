"""Mistakes on purpose: the same training as it should be and with one mistake, and what the curves say of either.

From a notebook:

    from tl_core.experiments import groups, mistakes
    from tl_core.tasks import registry

    config = registry.FIRST.room("ways").usual(pictures.id)
    experiment = mistakes.start(config, "labels")
    groups.work(experiment)
    print(mistakes.findings(experiment))
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tl_core.base.messages import Message, message
from tl_core.base.metrics import metric
from tl_core.classification import report
from tl_core.classification.report import Report
from tl_core.experiments import groups
from tl_core.experiments.course import Course
from tl_core.experiments.groups import Experiment, Guess, Planned
from tl_core.labs import mistakes
from tl_core.labs.curves import Curves
from tl_core.labs.mistakes import Fault, Finding
from tl_core.runs import store, watch
from tl_core.runs.history import History
from tl_core.tasks import registry
from tl_core.tasks.registry import Config, Task

SOUND = "sound"
TOLERANCE = 20.0  # points by which a guess may be off until it counts as missed altogether


@dataclass(frozen=True)
class Lesson:
    """One mistake: what it is called, how it comes about in real life, and what its curves are taken for, if at all."""

    title: Message
    story: Message
    sign: Fault | None = None


LESSONS: dict[str, Lesson] = {
    "rate": Lesson(
        message("Learning rate × 100"),
        message("A zero too few in front: every step overshoots, and the next one has to come back."),
        "rate",
    ),
    "labels": Lesson(
        message("Labels shuffled"),
        message("A table was sorted by one column only: every picture has a label, most of them somebody else's."),
        "labels",
    ),
    "leak": Lesson(
        message("Leak between the parts"),
        message("The same pictures are learned from and validated on: copies, or a split made too late."),
        "leak",
    ),
    "overfitting": Lesson(
        message("Too long on too few"),
        message("Five pictures a class, and four times as many epochs: enough to learn each of them by heart."),
        "overfitting",
    ),
    "scaling": Lesson(
        message("Pixels scaled wrongly"),
        message("The backbone learned from pixels in another range and gets them from 0 to 1: nothing complains."),
    ),
    "batchnorm": Lesson(
        message("BatchNorm in training mode"),
        message("While it is fine-tuned the network uses the statistics of eight pictures instead of its own."),
    ),
}


def fits(task: Task) -> bool:
    """Whether mistakes can be made in a task."""
    return hasattr(task.room("ways"), "faulty")


def start(
    config: Config, fault: str, *, owner: str = "", name: str = "", called: Mapping[str, str] | None = None
) -> Experiment:
    """Queue two runs: the training as it should be, and the same with one mistake.

    Args:
        config: as the ways of its task take it, of a task that `fits`.
        fault: which mistake, a key of `LESSONS`.
        owner, name, called: as for a race.

    Raises:
        UserError: the disk is full, or may not be written.
    """
    planned = []
    for arm, each in zip((SOUND, fault), registry.of(config).room("ways").faulty(config)[fault], strict=True):
        label = (called or {}).get(arm, arm)
        planned.append(Planned(arm, each.seed, 0, each, f"{name} · {label}" if name else label))
    return groups.create("mistakes", planned, owner=owner, name=name)


def findings(experiment: Experiment) -> dict[str, Finding | None]:
    """What the curves of either run show: None where they look sound. Only of runs that have been looked at."""
    found = {}
    for run, member in zip(groups.runs(experiment), experiment.members, strict=False):
        made = report.load(run.folder, "validation")
        if made is not None and store.status(run) == "finished":
            found[member.arm] = diagnosed(watch.history(run), made)
    return found


def diagnosed(history: History, made: Report) -> Finding | None:
    """The fault that a run's curves show; None where they look sound, or cannot be judged.

    Args:
        made: on the validation part: how many examples there are, and how often the most frequent class.
    """
    rates = [phase.learning_rate for phase in history.phases if phase.learning_rate is not None]
    counts = [0] * len(made.classes)
    for prediction in made.predictions:
        counts[prediction.true] += 1
    if not rates or not history.epochs or not sum(counts):
        return None
    with contextlib.suppress(ValueError):  # an epoch without validation
        chance = max(counts) / sum(counts)
        return mistakes.diagnose(Curves.of(history.epochs, max(rates), len(counts), sum(counts), chance))
    return None


def diagnosed_early(history: History, classes: int) -> Finding | None:
    """The fault that the curves of a run under way show already, whatever its next epochs bring."""
    rates = [phase.learning_rate for phase in history.phases if phase.learning_rate is not None]
    if not rates or not history.epochs:
        return None
    with contextlib.suppress(ValueError):  # an epoch without validation
        curves = Curves.of(history.epochs, max(rates), classes, 0, 1 / classes)
        return mistakes.diagnose(curves, under_way=True)
    return None


def verdict(experiment: Experiment, courses: Sequence[Course], task: Task) -> list[Message]:
    """What the mistake did here, and whether the curves alone gave it away."""
    fault = next(member.arm for member in experiment.members if member.arm != SOUND)
    found = findings(experiment)
    reached = _reached(courses, task)
    if not {SOUND, fault} <= found.keys() or reached is None:
        return [message("There is no verdict yet: both runs have to finish.")]
    row = metric(task.metrics[0])
    told = [
        message(
            "As it should be the training reaches {one}, with the mistake {other} of its validation examples (n = {n}, "
            "one seed: small differences prove nothing).",
            one=row.shown(reached[0]),
            other=row.shown(reached[1]),
            n=max(course.examples for course in courses),
        )
    ]
    finding, alarm = found[fault], found[SOUND]
    if finding is None:
        told.append(message("The curves alone do not give the mistake away here: no rule applies."))
    elif finding.fault == LESSONS[fault].sign:
        told.append(message("The curves alone give the mistake away: “{mistake}”.", mistake=LESSONS[fault].title))
    else:
        told.append(message("The curves show that something is wrong, but a rule takes it for another mistake."))
    if alarm is not None:
        told.append(
            message("A rule applies to the sound run as well: a false alarm, or it is not as sound as it seems.")
        )
    return told


def score(guess: Guess, courses: Sequence[Course], task: Task) -> Message | None:
    """Hold a guess of how many points the mistake costs against what it did; None before both have finished."""
    reached = _reached(courses, task)
    if reached is None:
        return None
    cost = 100 * (reached[0] - reached[1])
    points = round(100 * max(0.0, 1.0 - abs(guess.amount - cost) / TOLERANCE))
    return message(
        "Your guess gets {points} of 100: you said that the mistake costs {guessed} points; it costs {cost}.",
        points=points,
        guessed=f"{guess.amount:g}",
        cost=f"{cost:.1f}",
    )


def _reached(courses: Sequence[Course], task: Task) -> tuple[float, float] | None:
    """Of the sound run and of the other, in the epoch whose weights are kept."""
    key = task.metrics[0]
    values = {course.arm == SOUND: course.kept(key) for course in courses if course.done}
    sound, other = values.get(True), values.get(False)
    return None if sound is None or other is None else (sound, other)
