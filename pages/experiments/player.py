"""A recording as it is replayed: its label, where it stands, play, pause, speed, the figures and the curves."""

import time
from collections.abc import Callable
from typing import Protocol, overload

import streamlit as st

from pages.tasks.registry import room
from pages.ui.format import duration
from pages.ui.i18n import _
from pages.ui.markdown import plain, sentence
from tl_core.recordings.generation import WrittenRecording
from tl_core.recordings.labs import GroupReplay, RecordedGroup
from tl_core.recordings.play import Clock, Recording, Replay
from tl_core.tasks.registry import title

PACE = 0.5  # seconds between looks at a replay that plays


class Replayed(Protocol):
    """What can be replayed: a recorded run, or a recorded text."""

    name: str
    length: float
    curves_begin: float
    speed: float
    speeds: tuple[float, ...]


def label(recording: Recording | RecordedGroup | WrittenRecording) -> None:
    """That it is a recording: when and on what it was made, with which network, weights and data."""
    card = recording.card
    with st.container(horizontal=True, gap="small"):
        st.badge(_("Recording"), icon=":material/history:", color="violet")
        if not isinstance(recording, WrittenRecording):
            st.badge(plain(title(recording.config)), icon=":material/network_node:", color="gray")
        st.badge(_("Weights: {weights}").format(weights=sentence(card.weights)), icon=":material/hub:", color="gray")
    if isinstance(recording, WrittenRecording):
        st.caption(_("Recorded on {date}, {machine}.").format(date=plain(card.date), machine=sentence(card.machine)))
        return
    st.caption(
        _("Recorded on {date}, {machine}. {data}.").format(
            date=plain(card.date), machine=sentence(card.machine), data=sentence(card.data)
        )
    )


def start(recording: Replayed) -> None:
    """Callback: play it from where its curves begin, at a speed that a class will sit through."""
    clock = Clock(recording.curves_begin, recording.speed)
    _keep(recording, clock.play(time.time(), recording.length))


def at_the_end(recording: Replayed) -> None:
    """Have the replay stand at the end before anybody has played it."""
    st.session_state.setdefault(_key(recording, "clock"), Clock(recording.length, recording.speed))


def play(recording: Recording) -> None:
    """The player of a recorded run."""
    figures = room(recording.config, "figures")

    def above(moment: float) -> None:
        length = duration(recording.length)
        bar(recording, moment, _("{moment} of {length} recorded").format(moment=duration(moment), length=length))
        history = replay(recording).at(moment)
        over = moment >= recording.length
        with st.container(horizontal=True, gap="medium"):
            figures.reached(recording.config, history, over)
            figures.speed(history)
        if remark := figures.remark(history, over):
            st.caption(remark)

    def below(moment: float) -> None:
        history, over = replay(recording).at(moment), moment >= recording.length
        figures.curves(
            recording.config,
            history,
            revision=f"{recording.name} {st.session_state.get(_key(recording, 'round'), 0)}",
            key="replay_curves",
            growing=not over,
        )
        figures.artifacts(history, over, f"replay_{recording.name}")
        for notice in history.notices:
            st.caption(f":material/info: {sentence(notice.message)}")

    replayed(recording, above, below)


def replayed(
    recording: Replayed, above: Callable[[float], None], below: Callable[[float], None], pace: float = PACE
) -> None:
    """One fragment that is drawn anew while the recording plays.

    Args:
        above: draws how far it is at a recorded moment, above the controls.
        below: draws what there is to see at that moment, below them.
        pace: seconds between looks.
    """
    present = _state(recording)
    moving, _over = present

    @st.fragment(run_every=pace if moving else None)
    def view() -> None:
        if _state(recording) != present:
            st.rerun()
        clock = _clock(recording)
        moment = clock.at(time.time(), recording.length)
        above(moment)
        _controls(recording, clock, moment)
        below(moment)

    view()


@overload
def replay(recording: Recording) -> Replay: ...


@overload
def replay(recording: RecordedGroup) -> GroupReplay: ...


def replay(recording: Recording | RecordedGroup) -> Replay | GroupReplay:
    """This reader's replay of the recording as it is now on the disk."""
    key = _key(recording, "replay")
    if key not in st.session_state or st.session_state[key].recording is not recording:
        group = isinstance(recording, RecordedGroup)
        st.session_state[key] = GroupReplay(recording) if group else Replay(recording)
    return st.session_state[key]


def ended(recording: Replayed) -> bool:
    """Whether the replay stands at the end."""
    return _state(recording)[1]


def _state(recording: Replayed) -> tuple[bool, bool]:
    """Whether the replay moves, and whether it stands at the end: what the rest of the page depends on."""
    now, clock = time.time(), _clock(recording)
    return clock.playing(now, recording.length), clock.at(now, recording.length) >= recording.length


def bar(recording: Replayed, moment: float, text: str) -> None:
    """How far the replay has come."""
    st.progress(min(moment / recording.length if recording.length else 1.0, 1.0), text=text)


def _controls(recording: Replayed, clock: Clock, moment: float) -> None:
    """Play or pause, both ends, and the speed."""
    length = recording.length
    moving = clock.playing(time.time(), length)

    def again() -> None:
        st.session_state[_key(recording, "round")] = st.session_state.get(_key(recording, "round"), 0) + 1
        start(recording)

    def go_on() -> None:
        _keep(recording, _clock(recording).play(time.time(), length))

    def pause() -> None:
        _keep(recording, _clock(recording).pause(time.time(), length))

    def to_the_end() -> None:
        _keep(recording, _clock(recording).go(length, time.time()))

    def speed_up() -> None:
        _keep(recording, _clock(recording).at_speed(st.session_state[speed_key], time.time(), length))

    speed_key = _key(recording, "speed")
    st.session_state[speed_key] = clock.speed
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if moving:
            st.button(_("Pause"), key="replay_pause", type="primary", icon=":material/pause:", on_click=pause)
        elif moment < length:
            st.button(_("Play"), key="replay_play", type="primary", icon=":material/play_arrow:", on_click=go_on)
        else:
            st.button(_("Play again"), key="replay_again", type="primary", icon=":material/replay:", on_click=again)
        st.button(
            _("To the end"),
            key="replay_end",
            icon=":material/skip_next:",
            on_click=to_the_end,
            disabled=moment >= length,
        )
        st.segmented_control(
            _("Speed"),
            recording.speeds,
            format_func=lambda speed: f"{speed:g}×",
            key=speed_key,
            required=True,
            label_visibility="collapsed",
            on_change=speed_up,
        )
    if recording.curves_begin >= 1 and moment < length:
        st.caption(
            _("The first {time} went by before training began; the replay starts behind them.").format(
                time=duration(recording.curves_begin)
            )
        )


def _clock(recording: Replayed) -> Clock:
    """This reader's clock; at first it stands where the curves begin."""
    return st.session_state.setdefault(_key(recording, "clock"), Clock(recording.curves_begin, recording.speed))


def _keep(recording: Replayed, clock: Clock) -> None:
    st.session_state[_key(recording, "clock")] = clock


def _key(recording: Replayed, what: str) -> str:
    return f"replay_{what}_{recording.name}"
