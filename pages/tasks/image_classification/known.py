"""Known or not: whether pictures look like any that the run has learned from, and how well that can be told."""

from collections.abc import Sequence

import streamlit as st

from pages.material import shelf
from pages.ui.i18n import _, ngettext, show, together
from pages.ui.markdown import plain, problem, sentence
from pages.ui.tables import Cell, table
from tl_core.base.errors import UserError
from tl_core.base.metrics import percent
from tl_core.engine import client
from tl_core.images.data import drawn
from tl_core.runs.store import Run
from tl_core.tasks.image_classification import paths
from tl_core.tasks.image_classification.calls import DRAWN, Detected, Recognized, Scores, Separation

NAMED = 8  # pictures that are called by their names
PAPERS = (
    "[Hendrycks & Gimpel 2017](https://arxiv.org/abs/1610.02136)",
    "[Lee et al. 2018](https://arxiv.org/abs/1807.03888)",
)


def tell(run: Run, files: Sequence[tuple[str, bytes]]) -> None:
    """Say whether these pictures look like those that the run has learned from, and offer to measure it.

    Args:
        run: whose network answered.
        files: (name, bytes) of the pictures.
    """
    st.subheader(
        _("Known or not?"),
        anchor=False,
        help=_(
            "The probabilities always add up to 100 %, whatever the picture. Two other figures say whether the network "
            "has learned from anything like it."
        ),
    )
    try:
        found = _recognized(run, files)
    except UserError as error:
        st.caption(problem(error))
        return
    if len(files) == 1:
        scores = found.pictures[0]
        if scores is None:
            return
        st.markdown(_verdict(scores, found.limits))
        _table(scores, found.limits)
    else:
        st.markdown(_several(found, [name for name, _data in files]))
    st.caption(
        _(
            "The limits are those that accept 95 % of {validated} validation pictures. The distance (Mahalanobis) is "
            "to the nearest of the class means of {trained} training pictures, in the backbone's averaged features. "
            "Sources: {papers}."
        ).format(validated=found.validated, trained=found.trained, papers=", ".join(PAPERS))
    )
    with st.expander(_("How well does it tell others?"), icon=":material/rule:", key="known_measure"):
        _measure(run)


def _recognized(run: Run, files: Sequence[tuple[str, bytes]]) -> Recognized:
    """The scores, kept as long as weights and pictures stay the same."""
    question = (*_weights(run), [hash(data) for _name, data in files])
    kept = st.session_state.get("known_recognized")
    if kept and kept[0] == question:
        return kept[1]
    place = st.empty()
    place.caption(_("Comparing with the pictures that it has learned from…"))
    try:
        found = client.recognize(run.id, [data for _name, data in files], lambda said: place.caption(sentence(said)))
    finally:
        place.empty()
    st.session_state["known_recognized"] = (question, found)
    return found


def _weights(run: Run) -> tuple[str, int]:
    """What tells a run's weights from later ones; the model is there: it has answered."""
    path = paths.model_path(run.folder)
    return run.id, path.stat().st_mtime_ns if path.is_file() else 0


def _verdict(scores: Scores, limits: Scores) -> str:
    sure, near = scores.softmax >= limits.softmax, scores.distance <= limits.distance
    if sure and near:
        return f":green[:material/check_circle:] {_('It looks like the pictures that the network has learned from.')}"
    if near:
        text = _("It lies near a class, but the network is less sure than of its own pictures: perhaps between two.")
    elif sure:
        text = _("It does not look like anything that the network has learned from, however sure the answer sounds.")
    else:
        text = _("It does not look like anything that the network has learned from: do not trust the answer.")
    return f":orange[:material/help:] {text}"


def _table(scores: Scores, limits: Scores) -> None:
    known, unknown = _("known"), _("unknown")
    table(
        [_("Score"), _("This picture"), _("Limit"), _("Verdict")],
        [
            [
                _("Probability of the likeliest class"),
                percent(scores.softmax),
                _("at least {limit}").format(limit=percent(limits.softmax)),
                known if scores.softmax >= limits.softmax else Cell(unknown, marked=True),
            ],
            [
                _("Distance to the nearest class"),
                f"{scores.distance:.1f}",
                _("at most {limit}").format(limit=f"{limits.distance:.1f}"),
                known if scores.distance <= limits.distance else Cell(unknown, marked=True),
            ],
        ],
        label=_("How well known the picture is, by two scores"),
    )


def _several(found: Recognized, names: Sequence[str]) -> str:
    """How many are unlike those learned from, and which."""
    good = [(name, scores) for name, scores in zip(names, found.pictures, strict=True) if scores]
    far = [plain(name) for name, scores in good if scores.distance > found.limits.distance]
    unsure = sum(scores.softmax < found.limits.softmax for _name, scores in good)
    text = ngettext(
        "By the distance, {far} of {n} picture does not look like anything that the network has learned from",
        "By the distance, {far} of {n} pictures do not look like anything that the network has learned from",
        len(good),
    ).format(far=len(far), n=len(good))
    listed = f": {', '.join(far[:NAMED])}{', …' if len(far) > NAMED else ''}." if far else "."
    return together(text + listed, _("By the probability, {n} would be called unknown.").format(n=unsure))


def _measure(run: Run) -> None:
    """Choose other pictures, and see how well each score tells the run's own from them."""
    own = shelf.folder(run.config.data.dataset)
    offered = {f"{DRAWN}{kind}": show(drawn.NAMES[kind]) for kind in sorted(drawn.CLASSES)}
    offered |= {summary.id: shelf.described(summary) for summary in shelf.known() if shelf.folder(summary.id) != own}
    other = st.selectbox(
        _("Pictures to compare with"), list(offered), format_func=offered.__getitem__, key="known_other"
    )
    if st.button(_("Measure"), key="known_go", icon=":material/straighten:"):
        place = st.empty()
        place.caption(_("The network looks at the pictures…"))
        try:
            made = client.detect(run.id, other, lambda said: place.caption(sentence(said)))
            st.session_state["known_detected"] = (*_weights(run), other, made)
        except UserError as error:
            st.error(problem(error), icon=":material/error:")
        place.empty()
    kept = st.session_state.get("known_detected")
    if kept and kept[:3] == (*_weights(run), other):
        _detected(kept[3])


def _detected(made: Detected) -> None:
    methods = {
        _("Probability of the likeliest class"): made.softmax,
        _("Distance to the nearest class"): made.distance,
    }
    table(
        [_("Score"), "AUROC", _("Others accepted")],
        [[name, _area(score), percent(score.accepted)] for name, score in methods.items()],
        label=_("How well each score tells the run's own pictures from others"),
    )
    better = max(methods, key=lambda name: methods[name].auroc)
    st.caption(
        together(
            _(
                "AUROC: how often one of {known} validation pictures scores higher than one of {unknown} others; "
                "1 tells them all apart, 0.5 is guessing. In brackets: 95 % interval over these pictures (bootstrap)."
            ).format(known=made.known, unknown=made.unknown),
            _("Here the better one is: {score}.").format(score=better)
            if _apart(made.softmax, made.distance)
            else _("Here the two scores cannot be told apart: their intervals overlap."),
        )
    )


def _area(score: Separation) -> Cell:
    return Cell(f"{score.auroc:.3f}", f"({score.low:.2f}–{score.high:.2f})", score.auroc)


def _apart(one: Separation, other: Separation) -> bool:
    return one.low > other.high or other.low > one.high
