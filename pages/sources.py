"""Which source helps? Networks of several source tasks on one target, ranked before anything is trained."""

from pages.labs import one_run
from pages.labs.sources import setup
from pages.ui.i18n import _
from tl_core.tasks.registry import LABS

one_run.page(
    LABS["sources"],
    _(
        "Transfer is worth as much as its source fits. Here frozen networks that learned from photographs, from few "
        "small photographs and from drawn patterns are set beside networks that have learned nothing, on *your* "
        "pictures. Before anything is trained two scores say which of them should help most; afterwards you see "
        "whether they were right."
    ),
    setup.show,
)
