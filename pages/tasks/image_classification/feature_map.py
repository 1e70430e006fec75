"""The map of the features on a run's report: drawn on a click, kept, and the pictures of a loop around points below."""

from collections.abc import Sequence
from typing import get_args

import streamlit as st

from pages.components.picture_map import picture_map
from pages.components.thumbnails import Thumbnail, thumbnails
from pages.tasks.image_classification import changes
from pages.ui.i18n import _, language, ngettext, show, together
from pages.ui.markdown import problem, sentence
from tl_core.base.errors import UserError
from tl_core.base.messages import Message, message
from tl_core.charts import features
from tl_core.charts.features import Spread
from tl_core.classification import layout
from tl_core.classification.report import Report
from tl_core.engine import client
from tl_core.images.pretrained.backbones import BACKBONES, boundary
from tl_core.runs.store import Run
from tl_core.tasks.image_classification import feature_map
from tl_core.tasks.image_classification.calls import Layout
from tl_core.tasks.image_classification.feature_map import FeatureMap, Laid

PAPER = "[van der Maaten & Hinton 2008](https://www.jmlr.org/papers/v9/vandermaaten08a.html)"
HOW = "features_how"  # the session state's name of how the map is laid out


def tell(run: Run, made: Report) -> None:
    """Offer the map, or draw it where it has been made.

    Making it is no part of a fragment: Streamlit lets nothing stop a fragment at work but the whole page.

    Args:
        made: the run's report, for the names of the classes.
    """
    st.subheader(
        _("Map of the features"),
        anchor=False,
        help=_(
            "Before the head decides, the backbone has turned each picture into a long row of numbers, its features. "
            "The map lays pictures with like features near each other."
        ),
    )
    key = f"{HOW}_{run.id}"
    how: Layout = st.session_state.setdefault(key, "pca") or "pca"
    if feature_map.load(run.folder, "pca") is None:
        place = st.empty()
        if not place.button(_("Draw the map"), key="features_go", icon=":material/scatter_plot:"):
            st.caption(_("The network looks at the validation pictures once more; that takes a moment."))
            return
        place.empty()
    _choice(key)
    found = feature_map.load(run.folder, how) or _made(run, how, key)
    if found is not None:
        _draw(run, made, found, how)
        changes.tell(found)


def _choice(key: str) -> None:
    named = {"pca": "PCA", "tsne": "t-SNE"}
    st.segmented_control(
        _("Laid out by"),
        list(get_args(Layout)),
        format_func=named.__getitem__,
        key=key,
        width="content",
        help=_("PCA turns the features and is there at once; t-SNE keeps neighbours together and takes a moment."),
    )


def _made(run: Run, how: Layout, key: str) -> FeatureMap | None:
    """The map, made now; who presses Stop, or anything else on the page, waits no longer."""
    place = st.empty()
    with place.container():
        box = st.status(_("The network looks at the pictures…"))
        st.button(
            _("Stop"),
            key="features_stop",
            icon=":material/stop_circle:",
            on_click=lambda: st.session_state.update({key: "pca"}),
        )
    try:
        found = client.lay_out(run.id, how, lambda said: box.update(label=sentence(said)))
    except UserError as error:
        place.error(problem(error), icon=":material/error:")
        return None
    place.empty()
    return found


@st.fragment
def _draw(run: Run, made: Report, found: FeatureMap, how: Layout) -> None:
    """The maps, what to read off them, what was found, and the pictures that are chosen on them."""
    spreads = _spreads(found)
    chosen = picture_map(
        features.figure(spreads, made.classes, found.true, found.predicted, _),
        made.dataset,
        found.pictures,
        found.names,
        [_line(made, found, number) for number in range(len(found.pictures))],
        alt=show(features.description(spreads, made.classes, found.true)),
        revision=f"{run.id} {made.created} {how} {language()}",
        key=f"features_map_{run.id}",
    )
    mistaken = bool((found.true != found.predicted).any())
    st.caption(together(sentence(features.how_to_read(spreads, mistaken)), *([f"({PAPER})"] if how == "tsne" else [])))
    told = features.found(spreads, layout.by_chance(found.true), found.width, found.total)
    if found.before is None:
        told.append(_unchanged(run))
    st.markdown(together(*map(sentence, told)))
    _chosen(made, found, chosen)


def _unchanged(run: Run) -> Message:
    """Why there is one map."""
    row = BACKBONES[run.config.backbone.name]
    if all(boundary(row, phase.frozen_blocks) == len(row.blocks) for phase in run.config.phases):
        return message("There is one map: all blocks were frozen, so training has changed nothing in the features.")
    return message(
        "There is one map: the best weights are of an epoch in which all blocks were frozen; what came after it was "
        "no better and is not kept."
    )


def _spreads(found: FeatureMap) -> list[Spread]:
    if found.before is None:
        return [_spread(message("The backbone, which stayed as it was"), found.after)]
    before = (
        message("Before training: pretrained weights")
        if found.pretrained
        else message("Before training: random weights")
    )
    return [_spread(before, found.before), _spread(message("After training"), found.after)]


def _spread(name: Message, laid: Laid) -> Spread:
    return Spread(name, laid.points, laid.same, laid.shown)


def _line(made: Report, found: FeatureMap, number: int) -> str:
    true, predicted = made.classes[found.true[number]], made.classes[found.predicted[number]]
    return true if true == predicted else f"{true} → {predicted}"


def _chosen(made: Report, found: FeatureMap, chosen: Sequence[int]) -> None:
    """The pictures inside the loop, the mistaken ones first."""
    if not chosen:
        st.caption(
            _(
                "Draw a loop around points, click one, or press a name of the legend: the pictures appear here. A "
                "double click comes nearer."
            )
        )
        return
    ordered = sorted(chosen, key=lambda number: (found.true[number] == found.predicted[number], found.true[number]))
    wrong = int((found.true[ordered] != found.predicted[ordered]).sum())
    st.markdown(
        ngettext(
            "{n} picture is chosen, {wrong} of them mistaken.",
            "{n} pictures are chosen, {wrong} of them mistaken.",
            len(ordered),
        ).format(n=len(ordered), wrong=wrong)
    )
    shown = [
        Thumbnail(
            found.pictures[number], f"{found.names[number]}: {_line(made, found, number)}", _line(made, found, number)
        )
        for number in ordered
    ]
    thumbnails(made.dataset, shown, key=f"features_chosen_{made.dataset}")
