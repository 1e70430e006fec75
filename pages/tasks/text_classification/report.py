"""What a classifier of texts gets right and wrong: on the validation texts, and once on the test texts."""

import time

import streamlit as st

from pages.ui.i18n import _, ngettext, show
from pages.ui.markdown import problem, reason, sentence
from pages.ui.session import may
from pages.ui.tables import Cell, table
from tl_core.base.errors import UserError
from tl_core.base.metrics import percent
from tl_core.charts import confusion
from tl_core.classification import report as reports
from tl_core.classification.report import Part, Prediction, Report
from tl_core.engine import client
from tl_core.runs import watch
from tl_core.runs.store import Run
from tl_core.tasks.text_classification import calls, material
from tl_core.text.data.labelled import split

INK = {"light": "#16202A", "dark": "#E8EEF4"}  # the themes' text colours (.streamlit/config.toml)
NOUNS = confusion.TEXTS
SHOWN = 20  # texts in a table
GLANCE = 400  # characters of a text


def show_report(run: Run) -> None:
    """The validation report of a run that has ended, and below it, apart, the last test."""
    made = reports.load(run.folder, "validation")
    if made is None and not watch.history(run).best:
        st.caption(_("There is nothing to report: this run ended before its first epoch was complete."))
        return
    st.header(_("On the validation texts"), anchor=False)
    if made is None:
        st.markdown(_("There is no report yet: this run ended before its texts were looked at."))
        if may("change", run):
            _evaluate(run, "validation", _("Look at the validation texts now"), ":material/fact_check:")
        return
    st.caption(_("These texts steered training: the best epoch was chosen by them. They were never trained on."))
    _draw(run, made, key=f"report_{run.id}")
    _last_test(run)


def show_recorded(made: Report, key: str) -> None:
    """The figures and the confusion matrix that were recorded; the texts stayed where they were."""
    st.subheader(_("On the validation texts"), anchor=False)
    with st.container(horizontal=True, gap="medium"):
        st.metric(_("Accuracy"), percent(made.accuracy), width="content")
        st.metric(_("Macro F1"), f"{made.macro_f1:.3f}", width="content")
        st.metric(_("Loss"), f"{made.loss:.3f}", width="content")
    st.plotly_chart(
        confusion.figure(made, _, INK.get(st.context.theme.type, confusion.INK), NOUNS),
        key=f"{key}_matrix",
        config={"displayModeBar": False},
        alt=show(confusion.description(made, NOUNS)),
    )
    st.markdown(sentence(confusion.reading(made, NOUNS)))


def _last_test(run: Run) -> None:
    """The exam: looked at once, after everything has been decided."""
    made, waiting = reports.load(run.folder, "test"), _test_texts(run)
    if made is None and waiting == 0:
        return
    with st.container(border=True):
        st.header(_("The last test"), anchor=False)
        if made is not None:
            st.badge(
                _("Looked at on {date}").format(date=time.strftime("%Y-%m-%d %H:%M", time.localtime(made.created))),
                icon=":material/event_available:",
                color="violet",
            )
            st.caption(
                _(
                    "Nothing was decided by these texts, so this is what to expect on new ones. If you now change "
                    "settings until this figure is better, it is no longer a test."
                )
            )
            _draw(run, made, key=f"test_{run.id}")
        elif isinstance(waiting, UserError):
            st.markdown(reason(waiting))
        else:
            kept = ngettext(
                "{n} text has been kept aside: it was neither trained on nor used to choose the best epoch.",
                "{n} texts have been kept aside: they were neither trained on nor used to choose the best epoch.",
                waiting,
            ).format(n=f"{waiting:,}")
            then = _("Look at them once, when you have decided which run is your best one. The result stays here.")
            st.markdown(f"{kept} {then}")
            if may("change", run):
                _evaluate(run, "test", _("Look at the test texts (once)"), ":material/school:")
            else:
                st.caption(_("Only whoever started this run can do that."))


def _evaluate(run: Run, part: Part, label: str, icon: str) -> None:
    """A button that has the run's model read a part of the texts."""
    if not st.button(label, key=f"evaluate_{part}", icon=icon):
        return
    try:
        with st.status(_("The model reads the texts…")) as box:
            client.ask(calls.EVALUATE, calls.Evaluate(run.id, part), lambda said: box.update(label=sentence(said)))
    except UserError as error:
        st.error(problem(error), icon=":material/error:")
        return
    st.rerun()


def _test_texts(run: Run) -> int | UserError:
    """How many texts wait for the last test, or why there are none any more."""
    try:
        return len(split(material.load(run.config), run.config.data).test)
    except UserError as error:
        return error


def _draw(run: Run, made: Report, key: str) -> None:
    """Figures, classes, confusion matrix and mistakes of one report."""
    with st.container(horizontal=True, gap="medium"):
        st.metric(_("Accuracy"), percent(made.accuracy), width="content", help=_("The share of texts that are right."))
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
        st.metric(_("Texts"), f"{len(made.predictions):,}", width="content")
    scores, matrix = st.columns(2, gap="large")
    with scores:
        _classes(made)
    with matrix:
        _matrix(made, key)
    _cell(run, made, key)
    st.subheader(_("Worst mistakes"), anchor=False)
    if made.mistakes:
        _texts(run, made, made.mistakes)
    st.markdown(sentence(confusion.mistakes_reading(made, NOUNS)))


def _classes(made: Report) -> None:
    """Precision and recall of each class, with the counts they come from."""
    st.subheader(
        _("Class by class"),
        anchor=False,
        help=_(
            "Recall: how many of a class's texts are found. Precision: how many of those that the network takes for "
            "the class really are."
        ),
    )
    rows = [
        (
            score.name,
            _ratio(score.recall, score.correct, score.examples),
            _ratio(score.precision, score.correct, score.predicted),
        )
        for score in made.scores
    ]
    table([_("Class"), _("Recall"), _("Precision")], rows, label=_("Precision and recall of each class"))
    st.markdown(sentence(confusion.classes_reading(made, NOUNS)))


def _ratio(share: float | None, correct: int, total: int) -> Cell:
    counts = _("{n} of {total}").format(n=f"{correct:,}", total=f"{total:,}")
    return Cell("–" if share is None else percent(share), counts, share)


def _matrix(made: Report, key: str) -> None:
    """The confusion matrix; a click on a cell chooses its texts."""
    st.subheader(_("What is taken for what"), anchor=False)

    def clicked() -> None:
        points = st.session_state[f"{key}_matrix"].selection.points
        if points and "customdata" in points[0]:
            st.session_state[f"{key}_cell"] = tuple(points[0]["customdata"])

    st.plotly_chart(
        confusion.figure(made, _, INK.get(st.context.theme.type, confusion.INK), NOUNS),
        key=f"{key}_matrix",
        on_select=clicked,
        selection_mode="points",
        config={"displayModeBar": False},
        alt=show(confusion.description(made, NOUNS)),
    )
    st.markdown(sentence(confusion.reading(made, NOUNS)))


def _cell(run: Run, made: Report, key: str) -> None:
    """The texts of one cell of the matrix; the list says the same as a click and works without a mouse."""
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
        _("Texts of a cell"),
        cells,
        format_func=named,
        key=f"{key}_cell",
        placeholder=_("Click a cell of the matrix, or choose one here"),
    )
    if chosen:
        _texts(run, made, made.cell(*chosen))


def _texts(run: Run, made: Report, shown: list[Prediction]) -> None:
    """Texts with what they are and what the network says; for whoever may read them, while they are there."""
    if not may("read", run):
        st.caption(":material/lock: " + _("The texts are private: their owner alone may read them."))
        return
    try:
        texts = {example.id: example.text for example in material.load(run.config).examples}
    except UserError:
        st.caption(_("The texts themselves have been deleted."))
        return
    rows = [
        (
            _glance(texts.get(item.example, "–")),
            made.classes[item.true],
            Cell(made.classes[item.predicted], percent(item.confidence), item.confidence),
        )
        for item in shown[:SHOWN]
    ]
    table([_("Text"), _("True class"), _("The network says")], rows, label=_("Texts and what the network says"))
    if len(shown) > SHOWN:
        more = ngettext("And {n} more.", "And {n} more.", len(shown) - SHOWN)
        st.caption(more.format(n=f"{len(shown) - SHOWN:,}"))


def _glance(text: str) -> str:
    return text if len(text) <= GLANCE else f"{text[:GLANCE]}…"
