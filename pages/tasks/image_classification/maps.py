"""What speaks for the answers of a report: a map over each of its pictures, asked for by a switch."""

import io
from collections.abc import Sequence

import streamlit as st
from PIL import Image

from pages.tasks.image_classification.why import asked
from pages.ui.i18n import _, show
from pages.ui.markdown import plain, problem
from tl_core.base.errors import UserError
from tl_core.base.metrics import percent
from tl_core.charts import evidence
from tl_core.classification.report import Prediction, Report
from tl_core.images.data import dataset as datasets
from tl_core.runs.store import Run

MOST = 12  # pictures that get a map: each passes through the network once more
SIDE = 160  # pixels of one on the screen


def tell(run: Run, made: Report, shown: Sequence[Prediction], key: str) -> None:
    """Offer the maps of some pictures, and draw them one after the other where they are wanted.

    Args:
        made: a report of the run; its dataset is there.
        shown: its predictions, in the order in which the pictures stand above.
        key: of the switch.
    """

    @st.fragment
    def view() -> None:
        if not shown or not st.toggle(_("Show what speaks for each answer"), key=key):
            return
        folder = datasets.folder_of(made.dataset)
        with st.container(horizontal=True, gap="small"):
            for item in shown[:MOST]:
                try:
                    _map(run, made, item, datasets.image_path(folder, item.example).read_bytes())
                except UserError as error:
                    st.error(problem(error), icon=":material/error:")
                    return
        st.caption(
            _(
                "Grad-CAM, for the class that the network names: **orange** places speak for it, **blue** ones for "
                "another. Look whether it looks at the thing itself or at what stands around it."
            )
        )

    view()


def _map(run: Run, made: Report, item: Prediction, data: bytes) -> None:
    said = made.classes[item.predicted]
    found = asked(f"run:{run.id}", data, said, "grad_cam", check=False)
    true = made.classes[item.true]
    st.image(
        evidence.overlay(Image.open(io.BytesIO(data)), found.values),
        caption=plain(f"{said} {percent(found.probability)}" if true == said else f"{true} → {said}"),
        alt=_("{key}, coloured where it speaks for {label}: most of all at this place: {place}.").format(
            key=item.key, label=said, place=show(evidence.where(found.values))
        ),
        width=SIDE,
    )
