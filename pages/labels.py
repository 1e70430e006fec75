"""Whose label is wrong? Suspects by out-of-fold confidence on frozen features, and what cleaning them is worth."""

from pages.labs import one_run
from pages.labs.labels import setup
from pages.ui.i18n import _
from tl_core.tasks.registry import LABS

one_run.page(
    LABS["labels"],
    _(
        "A frozen network looks at every picture, and a linear classifier that has not learned from it says how much "
        "it believes the label. Where it believes little, the label may be wrong. Make some labels wrong on purpose "
        "to see how many it finds; or search the labels as they are, and put right what is found."
    ),
    setup.show,
)
