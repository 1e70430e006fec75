"""Pages from which a training starts want a spare worker for it, and a young run is looked at often."""

import time

import pytest
import streamlit as st

from tests.pages.made import ME, drawn, opened, recipe, run_of, trained
from tl_core.base import events
from tl_core.base.locks import try_lock
from tl_core.text.data import corpus


@pytest.fixture
def material(tl_home):
    corpus.paste("Once upon a time there was a king who had three sons. " * 50, name="Kings", owner=ME)
    return drawn()


def wants(tl_home, page: str, **query: str) -> bool:
    """Whether the page, drawn again, says that it wants one; it is opened by way of the Welcome page."""
    test = opened(page, **query)
    (tl_home / "wanted").unlink(missing_ok=True)
    test.run()
    assert not test.exception
    return (tl_home / "wanted").exists()


@pytest.mark.parametrize("page", ["welcome", "data", "train", "finetune"])
def test_a_page_from_which_a_training_starts_wants_a_spare(page, tl_home, material, monkeypatch):
    assert wants(tl_home, page)
    monkeypatch.setenv("TL_WARM", "0")
    assert not wants(tl_home, page)


@pytest.mark.parametrize("page", ["runs", "replay"])
def test_a_page_to_read_wants_none(page, tl_home, material):
    assert not wants(tl_home, page)


@pytest.mark.parametrize("page", ["welcome", "data", "finetune"])
def test_without_pictures_or_a_text_there_is_nothing_to_train(page, tl_home):
    assert not wants(tl_home, page)


def test_a_run_that_is_over_may_be_followed_by_another(tl_home, material):
    run = run_of(recipe(material), events.Started(), *trained())
    with try_lock(run.folder / "lock"):
        assert not wants(tl_home, "run", run=run.id)
    events.append(run.log, events.Stopped())
    assert wants(tl_home, "run", run=run.id)


@pytest.mark.usefixtures("elsewhere")
def test_a_run_is_looked_at_often_until_its_curve_begins(tl_home, material, monkeypatch):
    paces = []
    fragment = st.fragment

    def recorded(function=None, *, run_every=None, **more):
        paces.append(run_every)
        return fragment(function, run_every=run_every, **more)

    monkeypatch.setattr(st, "fragment", recorded)
    run = run_of(recipe(material), events.Started(t=time.time() + 60))  # young however slow this machine is
    slow = run_of(recipe(material), events.Started(t=time.time() - 60))
    others = run_of(recipe(material), events.Started(t=time.time() + 60), owner="somebody")
    with try_lock(run.folder / "lock"), try_lock(slow.folder / "lock"), try_lock(others.folder / "lock"):
        opened("run", run=run.id)
        assert paces[-1] < 0.5
        for other in (slow, others):  # thirty who look at their teacher's run look once a second
            opened("run", run=other.id)
            assert paces[-1] == 1.0
        for event in trained():
            events.append(run.log, event)
        opened("run", run=run.id)
        assert paces[-1] == 1.0
