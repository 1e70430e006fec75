"""Learning curves that are drawn once, then updated in place every second. Knows no run.

`st.plotly_chart` is built anew whenever its figure changes; this component calls `Plotly.react` on the same DOM node
with a constant `uirevision`, so that zoom and hover survive. It is theme-aware, and the same chart after a run's end.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.components.files import component_files
from pages.ui.i18n import _, show
from pages.ui.markdown import sentence
from tl_core.base.messages import Message
from tl_core.charts import classification, curves, language

_COMPONENT = st.components.v2.component(
    "tl_live",
    html="<div class='tl-live'></div>",
    **component_files("live_chart"),
    isolate_styles=False,  # Plotly puts its style sheet into the document, where a shadow root would not see it
)


def charts(
    figures: Mapping[str, Mapping[str, Any]],
    alts: Mapping[str, str],
    *,
    revision: str,
    key: str,
    height: int = 360,
    clickable: bool = False,
) -> str | None:
    """Draw figures side by side, below each other where there is no room.

    Args:
        figures: panel name -> {"data": traces, "layout": layout}, from `tl_core.charts.curves`.
        alts: panel name -> what a reader who cannot see the chart needs to know.
        revision: as long as it stays the same, so does the reader's zoom.
        key: Streamlit's key of the element.
        height: of one panel, in pixels.
        clickable: whether a click on a point is answered.

    Returns:
        Where along the horizontal axis the point lies that the reader has just clicked, as text; else None.
    """
    panels = [{"id": name, "alt": alts[name], "height": height, **figure} for name, figure in figures.items()]
    answer = _COMPONENT(
        data={
            "panels": panels,
            "clickable": clickable,
            "revision": revision,
            "reset": _("Show everything"),
            "missing": _("The chart library could not be loaded. Reload the page; the run itself is not affected."),
        },
        key=key,
        on_point_change=lambda: None,
    )
    return answer.point


def run_curves(
    history: curves.Curves,
    *,
    revision: str,
    key: str,
    classes: int | None = None,
    total: int = 0,
    examples: Message | None = None,
) -> None:
    """The live loss and accuracy of one run, and below them what they say.

    Args:
        history: the run so far.
        revision, key: as in `charts`.
        classes: how many there are, if that is known.
        total: epochs while it trains, else 0.
        examples: what is classified; by default "images".
    """
    keys = classification.METRICS
    alts = {key: show(curves.description(history, key)) for key in keys}
    charts(curves.live(history, keys, _, total), alts, revision=revision, key=key)
    st.markdown(sentence(classification.reading(history, classes, examples)))
    if any(epoch.best for epoch in history.epochs):
        st.caption(_("The star marks the epoch with the lowest validation loss: its weights are kept."))


def text_curves(history: curves.Curves, *, revision: str, key: str, total: int = 0) -> None:
    """The live loss and perplexity of a language model, and below them what they say; `total` steps while it trains."""
    alts = {metric: show(language.description(history, metric)) for metric in language.METRICS}
    charts(language.live(history, _, total), alts, revision=revision, key=key)
    st.markdown(sentence(language.reading(history)))
    if any(epoch.best for epoch in history.epochs):
        st.caption(_("The star marks the round with the lowest validation loss: its weights are kept."))
