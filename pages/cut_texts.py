"""Where to cut an encoder? A linear probe behind every block, pretrained and random; a click sets the boundary."""

from pages.labs import one_run
from pages.labs.cut import onward
from pages.labs.cut_texts import setup
from pages.ui.i18n import _
from tl_core.tasks.registry import LABS

onward.leave()
one_run.page(
    LABS["cut_texts"],
    _(
        "An encoder looks every word up in its embeddings; then layer after layer lets the words of a text change each "
        "other. Put a linear classifier behind every block, and you see how much each of them knows about *your* "
        "texts: with pretrained weights, and beside it with random ones. The answer tells where to set the freeze "
        "boundary."
    ),
    setup.show,
)
