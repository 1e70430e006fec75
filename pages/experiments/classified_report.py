"""What a classifier gets right and wrong, whatever it classifies: on what validates, and once on what is kept aside."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from pages.experiments import doctor, flips
from pages.ui.i18n import _, show, together
from pages.ui.markdown import problem, reason, sentence
from pages.ui.session import may
from pages.ui.tables import Cell, table
from tl_core.base.errors import UserError
from tl_core.base.metrics import percent
from tl_core.charts import confusion
from tl_core.charts.confusion import Nouns
from tl_core.classification import report as reports
from tl_core.classification.report import Part, Prediction, Report
from tl_core.engine.asking import Status
from tl_core.runs import watch
from tl_core.runs.store import Run

INK = {"light": "#16202A", "dark": "#E8EEF4"}  # the themes' text colours (.streamlit/config.toml)


@dataclass(frozen=True)
class Examples:
    """What is classified: how a report speaks of it, and what it does with it.

    Attributes:
        nouns: for the sentences of the charts; all further words are English, marked for translation.
        label: what several are called.
        validation: the heading of what is said of those that validate.
        steered: what these had to do with training.
        unseen: that a run ended before they were looked at.
        look, look_once: on the buttons that have the model look at those of validation and of the last test.
        looking: while it does.
        undecided: what the last test is worth, once it has been made.
        put_right: likewise, so that labels can be put right; None: they cannot.
        corrected: the way on where that has been done.
        inside: what the network makes of those that validate before it decides.
        none: that no examples were kept for it; without these words nothing is said of it then.
        right: what accuracy is.
        found: what recall and precision are.
        cell: the label of the list of the matrix's cells.
        kept: that so many examples wait for the last test.
        waiting: how many do; a UserError where they are gone.
        evaluate: has a run's model predict a part and keep the report; takes what is said meanwhile.
        draw: shows some of a report's predictions, each with its example; the key is for its widgets.
    """

    nouns: Nouns
    label: str
    validation: str
    steered: str
    unseen: str
    look: str
    look_once: str
    looking: str
    undecided: str
    right: str
    found: str
    cell: str
    kept: Callable[[int], str]
    waiting: Callable[[Run], int]
    evaluate: Callable[[Run, Part, Status], object]
    draw: Callable[[Run, Report, Sequence[Prediction], str], None]
    put_right: Callable[[Run, Report, Sequence[Prediction], str], None] | None = None
    corrected: Callable[[Run], None] | None = None
    inside: Callable[[Run, Report], None] | None = None
    none: str = ""


def show_report(run: Run, examples: Examples) -> None:
    """The validation report of a run that has ended, and below it, apart, the last test."""
    made = reports.load(run.folder, "validation")
    if made is None and not watch.history(run).best:
        st.caption(_("There is nothing to report: this run ended before its first epoch was complete."))
        return
    st.header(_(examples.validation), anchor=False)
    if made is None:  # a stopped run has weights but no report yet
        st.markdown(_(examples.unseen))
        if may("change", run):
            _evaluate(run, examples, "validation", _(examples.look), ":material/fact_check:")
        return
    st.caption(_(examples.steered))
    doctor.show(run, made)
    _draw(run, made, examples, key=f"report_{run.id}")
    flips.show(run, made, examples.draw)
    if examples.inside:
        examples.inside(run, made)
    _last_test(run, examples)


def show_recorded(made: Report, examples: Examples, key: str) -> None:
    """The figures and the confusion matrix that were recorded; the examples stayed where they were."""
    st.subheader(_(examples.validation), anchor=False)
    with st.container(horizontal=True, gap="medium"):
        st.metric(_("Accuracy"), percent(made.accuracy), width="content")
        st.metric(_("Macro F1"), f"{made.macro_f1:.3f}", width="content")
        st.metric(_("Loss"), f"{made.loss:.3f}", width="content")
    _confusion(made, examples.nouns, key)


def _last_test(run: Run, examples: Examples) -> None:
    """The exam: looked at once, after everything has been decided."""
    made = reports.load(run.folder, "test")
    waiting = 0 if made else _waiting(run, examples)
    if not (made or waiting or examples.none):
        return
    with st.container(border=True):
        st.header(_("The last test"), anchor=False)
        if made:
            st.badge(
                _("Looked at on {date}").format(date=time.strftime("%Y-%m-%d %H:%M", time.localtime(made.created))),
                icon=":material/event_available:",
                color="violet",
            )
            st.caption(_(examples.undecided))
            _draw(run, made, examples, key=f"test_{run.id}")
        elif isinstance(waiting, UserError):
            st.markdown(reason(waiting))
        elif not waiting:
            st.markdown(_(examples.none))
        else:
            then = _("Look at them once, when you have decided which run is your best one. The result stays here.")
            st.markdown(together(examples.kept(waiting), then))
            if may("change", run):
                _evaluate(run, examples, "test", _(examples.look_once), ":material/school:")
            else:
                st.caption(_("Only whoever started this run can do that."))


def _waiting(run: Run, examples: Examples) -> int | UserError:
    """How many examples wait for the last test, or why there are none any more."""
    try:
        return examples.waiting(run)
    except UserError as error:
        return error


def _evaluate(run: Run, examples: Examples, part: Part, label: str, icon: str) -> None:
    """A button that has the run's model look at a part of the examples."""
    if not st.button(label, key=f"evaluate_{part}", icon=icon):
        return
    try:
        with st.status(_(examples.looking)) as box:
            examples.evaluate(run, part, lambda said: box.update(label=sentence(said)))
    except UserError as error:
        st.error(problem(error), icon=":material/error:")
        return
    st.rerun()


def _draw(run: Run, made: Report, examples: Examples, key: str) -> None:
    """Figures, classes, confusion matrix and mistakes of one report."""
    with st.container(horizontal=True, gap="medium"):
        st.metric(_("Accuracy"), percent(made.accuracy), width="content", help=_(examples.right))
        st.metric(
            _("Macro F1"),
            f"{made.macro_f1:.3f}",
            width="content",
            help=_(
                "Precision and recall in one figure for each class, averaged: every class counts the same. 1 is best."
            ),
        )
        st.metric(
            _("Loss"),
            f"{made.loss:.3f}",
            width="content",
            help=_("Mean cross-entropy: large when the network is sure and wrong. 0 is best."),
        )
        st.metric(_(examples.label), f"{len(made.predictions):,}", width="content")
    _confused(run, made, examples, key)
    st.subheader(_("Worst mistakes"), anchor=False)
    if made.mistakes:
        examples.draw(run, made, made.mistakes, f"{key}_mistakes_more")
    st.markdown(sentence(confusion.mistakes_reading(made, examples.nouns)))


@st.fragment
def _confused(run: Run, made: Report, examples: Examples, key: str) -> None:
    """Classes, confusion matrix, the examples of a cell: a fragment, so that a click on a cell is answered at once."""
    scores, matrix = st.columns(2, gap="large")
    with st.container():  # first, though it stands below: it is what a click waits for
        _cell(run, made, examples, key)
    with scores:
        _classes(made, examples)
    with matrix:
        _matrix(made, examples, key)


def _classes(made: Report, examples: Examples) -> None:
    """Precision and recall of each class, with the counts they come from."""
    st.subheader(_("Class by class"), anchor=False, help=_(examples.found))
    rows = [
        (
            score.name,
            _ratio(score.recall, score.correct, score.examples),
            _ratio(score.precision, score.correct, score.predicted),
        )
        for score in made.scores
    ]
    table([_("Class"), _("Recall"), _("Precision")], rows, label=_("Precision and recall of each class"))
    st.markdown(sentence(confusion.classes_reading(made, examples.nouns)))


def _ratio(share: float | None, correct: int, total: int) -> Cell:
    counts = _("{n} of {total}").format(n=f"{correct:,}", total=f"{total:,}")
    return Cell("–" if share is None else percent(share), counts, share)


def _matrix(made: Report, examples: Examples, key: str) -> None:
    """The confusion matrix; a click on a cell chooses its examples."""
    st.subheader(_("What is taken for what"), anchor=False)

    def clicked() -> None:
        points = st.session_state[f"{key}_matrix"].selection.points
        if points and "customdata" in points[0]:
            st.session_state[f"{key}_cell"] = tuple(points[0]["customdata"])

    _confusion(made, examples.nouns, key, on_select=clicked, selection_mode="points")


def _confusion(made: Report, nouns: Nouns, key: str, **clicks: object) -> None:
    """The chart of the confusion matrix, and what it says; `clicks` says what a click on it does."""
    st.plotly_chart(
        confusion.figure(made, _, INK.get(st.context.theme.type, confusion.INK), nouns),
        key=f"{key}_matrix",
        config={"displayModeBar": False},
        alt=show(confusion.description(made, nouns)),
        **clicks,
    )
    st.markdown(sentence(confusion.reading(made, nouns)))


def _cell(run: Run, made: Report, examples: Examples, key: str) -> None:
    """The examples of one cell of the matrix; the list says the same as a click and works without a mouse."""
    cells = confusion.cells(made)
    if st.session_state.get(f"{key}_cell") not in cells:
        st.session_state[f"{key}_cell"] = None

    def named(cell: tuple[int, int]) -> str:
        true, predicted = cell
        count = made.confusion[true][predicted]
        if true == predicted:
            return _("{true}, recognised ({n})").format(true=made.classes[true], n=count)
        return _("{true} taken for {predicted} ({n})").format(
            true=made.classes[true], predicted=made.classes[predicted], n=count
        )

    chosen = st.selectbox(
        _(examples.cell),
        cells,
        format_func=named,
        key=f"{key}_cell",
        placeholder=_("Click a cell of the matrix, or choose one here"),
    )
    correcting = made.part == "validation"  # what the last test shows is not worked on
    if chosen and correcting and examples.put_right:
        examples.put_right(run, made, made.cell(*chosen), f"{key}_cell {chosen}")
    elif chosen:
        examples.draw(run, made, made.cell(*chosen), f"{key}_cell_more")
    if correcting and examples.corrected:
        examples.corrected(run)
