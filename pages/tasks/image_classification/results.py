"""What came out of runs on pictures: in the list, beside each other, and the settings in which they differ."""

from collections.abc import Sequence
from typing import Any

from pages.experiments import classified, learned_from
from pages.experiments.classified import beside, found, laid_over, watched  # noqa: F401 - members of this room
from pages.ui.fields import Told, table
from pages.ui.i18n import _
from tl_core.base.messages import N_
from tl_core.images.pretrained.backbones import BACKBONES, boundary
from tl_core.runs.store import Run
from tl_core.tasks.image_classification.config import RunConfig, title

RUNS = N_("Image runs")


def columns() -> dict[str, Any]:
    """Those that the list of runs shows."""
    return classified.columns(_("Only where somebody has looked at the test pictures."))


def caution(configs: Sequence[RunConfig]) -> str:
    """Why their figures must not be compared; empty where they may."""
    return ""


def frozen(config: RunConfig) -> str:
    """The freeze boundary of each phase, "5 → 4 of 5"; empty where the backbone is not known any more."""
    row = BACKBONES.get(config.backbone.name)
    if row is None:
        return ""
    counts = " → ".join(str(boundary(row, phase.frozen_blocks)) for phase in config.phases)
    return _("{n} of {total}").format(n=counts, total=len(row.blocks))


def length(config: RunConfig) -> str:
    """The epochs of each phase, "10 + 10"."""
    return " + ".join(str(phase.epochs) for phase in config.phases)


def settings(run: Run) -> list[Told]:
    """Every setting, as the Train page calls it; what each phase has of its own is joined by arrows."""
    config, values = run.config, {}
    weights = {
        "imagenet": "ImageNet",
        "bundled": _("this project's own"),
        "patterns": _("patterns only"),
        "random": _("random"),
    }
    texts = {
        "backbone.name": title(config),
        "backbone.weights": weights.get(config.backbone.weights, config.backbone.weights),
    }
    if row := BACKBONES.get(config.backbone.name):
        counts = [boundary(row, phase.frozen_blocks) for phase in config.phases]
        values["phases.frozen_blocks"] = tuple(counts)
        texts["phases.frozen_blocks"] = _("{n} of {total}").format(
            n=" → ".join(map(str, counts)), total=len(row.blocks)
        )
    called = learned_from.short(run)
    return [Told(_("Pictures"), called, called), *table(config, texts, values)]
