"""The experiment while it goes on and afterwards: as on pictures, with its own word for the pass."""

from pages.labs.cut import figures
from tl_core.base.messages import N_

reached, speed, remark, training, curves = (
    figures.reached,
    figures.speed,
    figures.remark,
    figures.training,
    figures.curves,
)
artifacts, resuming, told, below = figures.artifacts, figures.resuming, figures.told, figures.below
STAGES = figures.STAGES | {"features": N_("Passing the texts through all blocks: {done} of {total}")}
