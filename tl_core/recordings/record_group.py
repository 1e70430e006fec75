"""Make a recording of an experiment of several runs, all of them finished: what `tl_core.recordings.labs` reads.

Each run's log is recorded as that of a run alone; what was guessed is nobody else's business and is left out.
"""

from dataclasses import asdict
from pathlib import Path

from tl_core.base.errors import UserError
from tl_core.base.messages import Message, message
from tl_core.experiments import groups
from tl_core.experiments.groups import Experiment
from tl_core.recordings import files, labs, play, record
from tl_core.recordings.labs import Group, Stored
from tl_core.recordings.lessons import GROUPS
from tl_core.tasks import registry
from tl_core.tasks.lesson import Lesson


def record_group(
    experiment: Experiment,
    name: str,
    into: Path | None = None,
    machine: str = "",
    title: str = "",
    notice: str = "",
    data: str = "",
    public: bool = False,
) -> Path:
    """Write a recording of a finished experiment, in place of an earlier one of the same name.

    Args:
        experiment: of this computer.
        name: the recording's folder; a lab's name brings title, data and notice along.
        into, machine, title, notice, data, public: as in `record.record`.

    Returns:
        The recording's folder.

    Raises:
        UserError: as there, for any of its runs; or some of them have been deleted.
    """
    files.check_name(name)
    runs = groups.runs(experiment)
    if len(runs) < len(experiment.members):
        raise UserError(
            message("Some runs of the experiment {name} have been deleted.", name=experiment.name),
            message("Record another one."),
        )
    configs, logs = zip(*(record.recorded(run, public) for run in runs), strict=True)
    room = registry.of(configs[0]).room("recording")
    sizes = dict(zip((member.size for member in experiment.members), configs, strict=True))
    largest = sizes[0 if 0 in sizes else max(sizes)]
    taught = next((config for config in configs if not room.untaught(config)), configs[0])
    classes, given = room.classes(largest), Lesson(Message(title), Message(data), Message(notice))
    told = record.lesson(GROUPS, name, experiment.lab, classes, given)
    group = Group(
        experiment.lab,
        tuple(
            Stored(member.arm, member.seed, member.size, files.impersonal(config.to_json()))
            for member, config in zip(experiment.members, configs, strict=True)
        ),
    )
    private = [experiment.owner, experiment.id, *(run.id for run in runs)]
    first = min(logs, key=lambda log: play.started(log).t)
    with files.made(name, into, private) as folder:
        files.write(folder / labs.GROUP, asdict(group))
        record.write_card(folder, record.card(told, first, machine, classes, taught, largest))
        for number, log in enumerate(logs):
            record.write_log(log, folder / labs.log(number))
    return (into or play.FOLDER) / name
