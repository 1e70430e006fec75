"""The suspects as pictures, where they are real with what can be done to them; and the predictions that flipped."""

import secrets
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from pages.components.thumbnails import Thumbnail, thumbnails
from pages.experiments import submit
from pages.material import tidy
from pages.ui.i18n import _
from pages.ui.session import may
from tl_core.base.errors import UserError
from tl_core.base.metrics import percent
from tl_core.images.data import dataset as datasets
from tl_core.labs.labels.found import Flips, Suspect
from tl_core.runs.store import Run

STEADY = 0.6  # of the seeds: a picture that flips in fewer of them is not listed


def show(run: Run, listed: Sequence[Suspect], over: bool) -> None:
    """The most doubtful labels; those that nobody planted can be put right once the search is over."""
    if not listed:
        return
    st.subheader(_("Suspects"), anchor=False)
    data = run.config.data.dataset
    try:
        present = datasets.summary(data)
    except UserError:
        st.caption(_("The pictures themselves have been deleted."))
        return
    if over and not run.config.planted and may("change", present):
        _put_right(run, listed)
        return
    st.caption(_("The given class, and what the probe takes the picture for; the most doubtful label comes first."))
    thumbnails(data, [_thumbnail(suspect) for suspect in listed], key=f"labels_more {run.id}")
    if run.config.planted:
        right = sum(not suspect.planted for suspect in listed)
        st.caption(
            _(
                "These are the suspects of the first seed. {n} of these {total} labels were not made wrong: hard "
                "pictures, from which a head learns much, or mistakes that were there before."
            ).format(n=right, total=len(listed))
        )


def _put_right(run: Run, listed: Sequence[Suspect]) -> None:
    """What is left of the suspects in the present state of the dataset, and the search of what came of it."""
    config = run.config
    dataset = datasets.load(datasets.latest(config.data.dataset))
    images = {image.key: image for image in dataset.images}
    left = [
        suspect
        for suspect in listed
        if suspect.key in images and dataset.classes[images[suspect.key].label] == suspect.given
    ]
    st.markdown(
        _(
            "Look at each: is the given class wrong, or is the picture only hard? Each says how much the probe "
            "believes its given class, and what it takes the picture for instead. {n} of {total} have been put right."
        ).format(n=len(listed) - len(left), total=len(listed))
    )
    tidy.put_right(
        dataset,
        [images[suspect.key] for suspect in left],
        {suspect.key: f"{percent(suspect.confidence, 0)} {suspect.given}\n→ {suspect.likely}?" for suspect in left},
        {suspect.key: suspect.likely for suspect in left},
        key="labels_right",
    )
    if dataset.id != config.data.dataset:
        st.button(
            _("Search the corrected labels"),
            key="labels_again",
            icon=":material/restart_alt:",
            on_click=submit.submit,
            args=(replace(config, data=replace(config.data, dataset=dataset.id)), secrets.token_hex(8)),
        )


def _thumbnail(suspect: Suspect) -> Thumbnail:
    said = _("{sure} for the given class").format(sure=percent(suspect.confidence))
    if suspect.planted:
        said = _("made wrong") + " · " + said
    return Thumbnail(
        suspect.picture,
        _("{key}: given class {given}, the probe says {likely} ({sure})").format(
            key=suspect.key, given=suspect.given, likely=suspect.likely, sure=percent(suspect.other)
        ),
        f"{suspect.given} → {suspect.likely}?",
        said,
    )


def flips(run: Run, turned: Flips | None) -> None:
    """The pictures of which cleaning turned the prediction round in most seeds."""
    if turned is None:
        return
    steady = [flip for flip in turned.pictures if flip.flipped >= STEADY * flip.seeds]
    with st.expander(_("Predictions that flipped in most seeds ({n})").format(n=len(steady)), icon=":material/flip:"):
        if not steady:
            st.markdown(
                _("None: each of the flips happened in few of the seeds, as another seed alone makes them too.")
            )
            return
        st.caption(_("How many of the heads are right, one head a seed: with the labels as given → cleaned."))
        shown = [
            Thumbnail(
                flip.picture,
                _("{key}: {label}, right in {before} of {n} seeds before and {after} after").format(
                    key=flip.key, label=flip.label, before=flip.before, after=flip.after, n=flip.seeds
                ),
                flip.label,
                _("right: {before} → {after} of {n}").format(before=flip.before, after=flip.after, n=flip.seeds),
            )
            for flip in steady
        ]
        thumbnails(run.config.data.dataset, shown, key=f"labels_flips {run.id}")
