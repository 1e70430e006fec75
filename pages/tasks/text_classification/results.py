"""What came out of classifiers of texts: in the list, beside each other, and the settings in which they differ."""

import contextlib
from collections.abc import Sequence
from typing import Any

from pages.experiments import classified, learned_from
from pages.experiments.classified import beside, found, laid_over, watched  # noqa: F401 - members of this room
from pages.ui.fields import Told, table
from pages.ui.i18n import _
from pages.ui.session import may
from tl_core.base.errors import UserError
from tl_core.base.messages import N_
from tl_core.runs.store import Run
from tl_core.tasks.text_classification.config import TextClassificationConfig, boundary, title
from tl_core.text.pretrained.encoders import shape_of

RUNS = N_("Runs that classify text")


def columns() -> dict[str, Any]:
    """Those that the list of runs shows."""
    return classified.columns(_("Only where somebody has looked at what was kept aside."))


def caution(configs: Sequence[TextClassificationConfig]) -> str:
    """Why their figures must not be compared; empty where they may."""
    if len({each.data for each in configs}) < 2:
        return ""
    return _("Careful: these runs learned from other texts, or from another split; their figures cannot be compared.")


def frozen(config: TextClassificationConfig) -> str:
    """The freeze boundary of each phase, "7 → 5 of 7"; empty where the encoder is not here."""
    with contextlib.suppress(UserError):  # a folder that is gone, or holds another encoder by now
        shape = shape_of(config.encoder.name)
        counts = " → ".join(str(boundary(shape, phase.frozen_blocks)) for phase in config.phases)
        return _("{n} of {total}").format(n=counts, total=len(shape.blocks))
    return ""


def length(config: TextClassificationConfig) -> str:
    """The epochs of each phase, "10 + 4"."""
    return " + ".join(str(phase.epochs) for phase in config.phases)


def settings(run: Run) -> list[Told]:
    """Every setting, as its page calls it; what is private is compared but not shown."""
    config, values, texts = run.config, {}, {"encoder.name": title(run.config)}
    if not may("read", run):
        texts["data.dataset"] = "–"
    with contextlib.suppress(UserError):
        shape = shape_of(config.encoder.name)
        values["phases.frozen_blocks"] = tuple(boundary(shape, phase.frozen_blocks) for phase in config.phases)
        texts["phases.frozen_blocks"] = frozen(config)
    called = learned_from.short(run)
    return [Told(_("Texts"), called, called), *table(config, texts, values)]
