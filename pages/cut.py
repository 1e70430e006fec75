"""Where should I cut? A linear probe behind every block, pretrained and random; a click sets the freeze boundary."""

from pages.labs import one_run
from pages.labs.cut import onward, setup
from pages.ui.i18n import _
from tl_core.tasks.registry import LABS

onward.leave()
one_run.page(
    LABS["cut"],
    _(
        "The early blocks of a network see edges and colours, the late ones the things of its source task. Put a "
        "linear classifier behind every block, and you see how much each of them knows about *your* pictures: with "
        "pretrained weights, and beside it with random ones. The answer tells where to set the freeze boundary."
    ),
    setup.show,
)
