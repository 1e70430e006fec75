"""Recorded runs: what training looks like where there is no time, no network or no strong computer for it."""

import streamlit as st

from pages.experiments import compare, player
from pages.labs.example import ADDRESS
from pages.registry import link
from pages.tasks.registry import room
from pages.tasks.text_generation import playback
from pages.ui.format import duration
from pages.ui.i18n import _, show
from pages.ui.markdown import plain, problem, sentence
from tl_core.base.errors import UserError
from tl_core.base.metrics import metric
from tl_core.charts import comparison
from tl_core.charts.colours import colours
from tl_core.charts.curves import NamedHistory
from tl_core.recordings import generation, labs, play
from tl_core.recordings.generation import WrittenRecording
from tl_core.recordings.labs import RecordedGroup
from tl_core.recordings.play import Recording, Replay
from tl_core.tasks import registry
from tl_core.tasks.registry import TASKS, Task

BESIDE = 3  # recordings that are compared at first


def chosen():
    """The recording that the address names, if there is one."""
    wanted = st.query_params.get(ADDRESS)
    if not wanted:
        return None
    texts = {text.name: text for text in generation.all()}
    try:
        return texts.get(wanted) or play.get(wanted)
    except UserError as error:
        st.error(problem(error), icon=":material/error:")
        return None


def choose(recording: Recording | WrittenRecording):
    """Callback: open a recording and play it."""
    st.query_params[ADDRESS] = recording.name
    player.start(recording)


def leave():
    """Callback: back to the list."""
    st.query_params.pop(ADDRESS, None)


def one(recording: Recording | WrittenRecording):
    """The player of one recording, and the way to do the same oneself."""
    st.button(_("All recordings"), key="replay_all", type="tertiary", icon=":material/arrow_back:", on_click=leave)
    st.title(sentence(recording.card.title), anchor=False)
    player.label(recording)
    st.markdown(f":material/lightbulb: {sentence(recording.card.notice)}")
    if isinstance(recording, WrittenRecording):
        playback.play(recording)
        link("generate", label=_("Generate text"), icon=":material/edit_note:")
        return
    player.play(recording)
    if player.ended(recording):
        if recording.report is not None:
            room(recording.config, "report").show_recorded(recording.report, f"replay_{recording.name}")
        settings = room(recording.config, "settings")
        link(
            settings.PAGE,
            label=_("Train with the same settings"),
            icon=":material/model_training:",
            **settings.link(recording.config),
        )


def card(recording: Recording | RecordedGroup | WrittenRecording, facts: list[str], lab: str = ""):
    """One recording in the list; `facts` are said beside its button. That of a lab is replayed on the lab's page."""
    st.markdown(f"**{sentence(recording.card.title)}**")
    player.label(recording)
    st.markdown(sentence(recording.card.notice))
    st.space("stretch")
    with st.container(horizontal=True, vertical_alignment="center"):
        if lab:
            link(lab, label=_("Replay"), icon=":material/play_arrow:", **{ADDRESS: recording.name})
        else:
            st.button(
                _("Replay"),
                key=f"replay_{recording.name}",
                icon=":material/play_arrow:",
                on_click=choose,
                args=(recording,),
            )
        st.caption(" · ".join(facts))


def run_facts(recording: Recording, whole: NamedHistory) -> list[str]:
    """How long a recorded run took, and what came of it."""
    key = registry.of(recording.config).metrics[0]
    kept, row = comparison.kept(whole.history, key), metric(key)
    facts = [duration(recording.length)]
    if kept is not None:
        facts.append(_("validation {metric} {value}").format(metric=show(row.noun), value=row.shown(kept)))
    return facts


def beside(task: Task, histories: dict[str, NamedHistory]):
    """The whole curves of several recordings of one task in one chart."""
    kind = sentence(task.title)
    st.subheader(f"{kind} · {_('Recordings beside each other')}", anchor=False)
    names = st.pills(
        _("Recordings"),
        list(histories),
        format_func=lambda name: plain(histories[name].name),
        selection_mode="multi",
        default=list(histories)[:BESIDE],
        key=f"replay_beside_{task.name}",
        label_visibility="collapsed",
    )
    shown = [histories[name] for name in histories if name in names]
    if not shown:
        st.caption(_("Choose at least one of them."))
        return
    compare.show_curves(
        task, shown, "-".join(names), f"replay_compare_{task.name}", training=False, legend=True, reads=len(shown) > 1
    )


def everything():
    """The list, and below it the curves of all."""
    st.title(_("Recorded runs"), anchor=False)
    st.caption(
        _("Real runs, recorded on the machine and day that each of them names. Nothing is trained while they replay.")
    )
    found, texts, experiments = play.all(), generation.all(), labs.all()
    if not found and not texts and not experiments:
        st.info(_("No recordings came with this app. Every run of your own is kept on the Runs page."))
        return
    colour = colours([recording.name for recording in found], {})
    histories = {
        recording.name: NamedHistory(
            show(recording.card.title), Replay(recording).at(recording.length), colour[recording.name]
        )
        for recording in found
    }
    with st.grid(2, min_column_width=300):
        for recording in found:
            with st.container(border=True, height="stretch", gap="small", key=f"recording_{recording.name}"):
                card(recording, run_facts(recording, histories[recording.name]))
        for text in texts:
            with st.container(border=True, height="stretch", gap="small", key=f"recording_{text.name}"):
                card(text, [playback.facts(text)])
        for experiment in experiments:
            with st.container(border=True, height="stretch", gap="small", key=f"recording_{experiment.name}"):
                card(experiment, [duration(experiment.length)], labs.lab(experiment))
    for task in TASKS.values():
        of_task = [recording.name for recording in found if registry.of(recording.config) is task]
        if len(of_task) > 1:
            beside(task, {name: histories[name] for name in of_task})


opened = chosen()
if opened is None:
    everything()
else:
    one(opened)
