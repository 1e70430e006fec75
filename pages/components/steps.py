"""The eight steps of transfer learning, each with the page on which it happens."""

from dataclasses import dataclass

import streamlit as st

from pages.registry import link
from pages.ui.i18n import _
from tl_core.base.messages import N_


@dataclass(frozen=True)
class Step:
    """A step: what it is called, what happens in it, and where."""

    title: str
    sentence: str
    icon: str
    page: str  # its name
    place: str  # the page's name in the menu


STEPS = (
    Step(
        N_("Choose a pretrained model"),
        N_("Pick a backbone that has already learned to see from more than a million photographs."),
        ":material/hub:",
        "train",
        N_("Train"),
    ),
    Step(
        N_("Load it"),
        N_("Its weights come from this computer, from a file, or are downloaded once."),
        ":material/download:",
        "train",
        N_("Train"),
    ),
    Step(
        N_("Freeze layers"),
        N_("Frozen blocks keep what they know: edges, textures and shapes suit your pictures too."),
        ":material/ac_unit:",
        "train",
        N_("Train"),
    ),
    Step(
        N_("Add a new head"),
        N_("A few new layers on top will name your classes instead of the old ones."),
        ":material/add_box:",
        "train",
        N_("Train"),
    ),
    Step(
        N_("Compile"),
        N_("Optimizer and learning rate say how far each step may move the weights."),
        ":material/tune:",
        "train",
        N_("Train"),
    ),
    Step(
        N_("Train, unfreeze, fine-tune"),
        N_("First the head learns alone; then late blocks thaw and adapt at a lower rate."),
        ":material/show_chart:",
        "run",
        N_("Run"),
    ),
    Step(
        N_("Evaluate"),
        N_("Pictures that it never saw show what the model got right and wrong, and which run is best."),
        ":material/fact_check:",
        "runs",
        N_("Runs"),
    ),
    Step(
        N_("Deploy"),
        N_("Let it name new pictures, or take the model home as one Keras file."),
        ":material/image_search:",
        "classify",
        N_("Classify"),
    ),
)


def steps() -> None:
    """Draw the steps as cards, in as many columns as there is room for."""
    with st.grid(4, min_column_width=180):
        for number, step in enumerate(STEPS, 1):
            with st.container(border=True, height="stretch", gap="small", key=f"step_{number}"):
                st.markdown(f"{step.icon} **{number}. {_(step.title)}**")
                st.caption(_(step.sentence))
                link(step.page, label=_(step.place), icon=":material/arrow_forward:")
