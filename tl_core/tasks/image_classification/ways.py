"""Ways to use one backbone on the same pictures, made to be compared: only weights, boundary and phases differ."""

from dataclasses import replace

from tl_core.base.messages import Message, message
from tl_core.tasks.image_classification.config import BackboneConfig, PhaseConfig, RunConfig
from tl_core.tasks.image_classification.recipes import PRESETS, bundled

WAYS: dict[str, Message] = {
    "frozen": message("Frozen"),
    "head_first": message("Head first, then all"),
    "at_once": message("All at once"),
    "scratch": message("From scratch"),
}
AGAINST = "scratch"  # what the others are measured against
BEATEN = message("That is negative transfer: what the network knew before does harm here.")
ACROSS = "epoch"  # what their curves are drawn over, by the name of an event's field
BESIDE = ()  # further metrics that are told of them
SHIFTED: dict[str, Message] = {  # what is measured on changed pictures, and what these are called
    "accuracy_grey": message("Grey"),
    "accuracy_blurred": message("Blurred"),
}
SIZE = 96  # pixels
EPOCHS = 10
FEW = 5  # pictures of each class from which too little can be learned
SMALL_BATCH = 8  # pictures whose own statistics say little


def usual(dataset: str) -> RunConfig:
    """What the ways are tried with unless somebody chooses otherwise: small, so that a dozen runs take a minute or two.

    The project's own backbone at a small image size, few pictures of each class, and no test part: nobody looks at it.

    Args:
        dataset: id.
    """
    quick, row = PRESETS["quick"].config(dataset), bundled()
    backbone = BackboneConfig(row.name, "bundled", SIZE) if row else quick.backbone
    return replace(
        quick,
        data=replace(quick.data, validation=0.3, test=0.0, per_class=20),
        backbone=backbone,
        head=replace(quick.head, dropout=0.3),
        phases=(PhaseConfig(-1, EPOCHS),),
        batch_size=16,
    )


def ways(config: RunConfig) -> dict[str, RunConfig]:
    """The experiment in each way: the same epochs, data, split, head, seed, batch and image size.

    Args:
        config: its weights are those of the ways that begin with pretrained ones; of its phases the epochs count.
    """
    epochs = config.epochs
    first = max(1, epochs // 3)
    scratch = replace(config, backbone=replace(config.backbone, weights="random"))
    return {
        "frozen": replace(config, phases=(PhaseConfig(-1, epochs, 1e-3, "adam", "head"),)),
        "head_first": replace(
            config,
            phases=(
                PhaseConfig(-1, first, 1e-3, "adam", "head"),
                PhaseConfig(0, max(1, epochs - first), 1e-4, "adam", "fine-tuning"),
            ),
        ),
        "at_once": replace(config, phases=(PhaseConfig(0, epochs, 3e-4, "adam", "fine-tuning"),)),
        "scratch": replace(scratch, phases=(PhaseConfig(0, epochs, 1e-3, "adam", "from scratch"),)),
    }


def seeded(config: RunConfig, seed: int) -> RunConfig:
    """The experiment with another seed of the training and of the split: other pictures, other first weights."""
    return replace(config, data=replace(config.data, seed=seed), seed=seed)


def shifted(config: RunConfig) -> RunConfig:
    """The experiment that is also measured on changed pictures: `SHIFTED` says by which metrics."""
    return replace(config, shifts=True)


def faulty(config: RunConfig) -> dict[str, tuple[RunConfig, RunConfig]]:
    """For each lesson of `tl_core.experiments.mistakes` the experiment as it should be, and with that mistake.

    Args:
        config: of its phases the epochs count.
    """
    phase = PhaseConfig(-1, config.epochs, 1e-3)
    sound = replace(config, phases=(phase,), head=replace(config.head, dropout=0.0))
    long = replace(sound, phases=(replace(phase, epochs=4 * phase.epochs),))
    thawed = PhaseConfig(len(sound.row.blocks) // 2, config.epochs, 1e-4, name="fine-tuning")
    tuned = replace(sound, phases=(phase, thawed), batch_size=min(config.batch_size, SMALL_BATCH))
    return {
        "rate": (sound, replace(sound, phases=(replace(phase, learning_rate=100 * phase.learning_rate),))),
        "labels": (sound, replace(long, mistake="labels")),
        "leak": (sound, replace(long, mistake="leak")),
        "overfitting": (sound, sized(long, FEW)),
        "scaling": (sound, replace(sound, mistake="scaling")),
        "batchnorm": (tuned, replace(tuned, mistake="batchnorm")),
    }


def sized(config: RunConfig, per_class: int) -> RunConfig:
    """The experiment with so many training pictures of each class; 0: all."""
    return replace(config, data=replace(config.data, per_class=per_class))
