"""What fine-tuning changed: how far each block of the backbone has moved, and what it has forgotten."""

import streamlit as st

from pages.ui.i18n import _, show, together
from pages.ui.markdown import sentence
from tl_core.charts import movement
from tl_core.charts.movement import Block
from tl_core.tasks.image_classification.feature_map import FeatureMap


def tell(found: FeatureMap) -> None:
    """Draw what lies between the networks of a map; nothing where there is but one."""
    if found.before is None:
        return
    st.subheader(
        _("What fine-tuning changed"),
        anchor=False,
        help=_(
            "The distance (L2) of a block's weights after training from those before, divided by the length of those "
            "before. The running means and variances of BatchNorm are measured apart: no optimizer changes them."
        ),
    )
    blocks = [Block(block.name, block.weights, block.statistics) for block in found.moved]
    st.plotly_chart(
        movement.figure(blocks, _),
        key="features_moved",
        height=300,
        config={"displayModeBar": False},
        alt=show(movement.description(blocks)),
    )
    st.caption(_("The higher the bar, the further training has moved the block; a frozen block stays at 0."))
    told = [movement.moved(blocks), movement.statistics(blocks)]
    if found.kept is not None:
        told.append(movement.forgotten(found.kept))
    st.markdown(together(*map(sentence, told)))
    if found.kept is None:
        st.caption(
            _(
                "What it has forgotten of its source task cannot be told here: there is no head of that task for these "
                "weights on this machine, or it has more layers than one."
            )
        )
