"""The cache of activations: it heals, it is bounded, it survives edits, and a full disk does not stop a run."""

import errno
import os
import threading
import time

import numpy as np
import pytest

from tests.tasks.image_classification import toys
from tests.tasks.image_classification.tiny_network import SIDE, TINY
from tl_core.base import events, paths
from tl_core.base.errors import Stopped
from tl_core.images.data import dataset as datasets
from tl_core.tasks.image_classification import features, network
from tl_core.training import activations as store
from tl_core.training import precision


@pytest.fixture(scope="module")
def base():
    """A network that is only asked, never trained."""
    return network.load_base(TINY, "random", SIDE)


@pytest.fixture
def stripes(tl_home):
    return toys.dataset({"level": 20, "upright": 20})


def activations(pictures, base, boundary=2, should_stop=lambda: False, **changes):
    """At a boundary of `base`, with a log of what was told."""
    trunk, _ = network.split_base(base, TINY, boundary)
    scaled = network.preprocessing(TINY, SIDE)
    log = toys.Log()
    made = features.Activations(toys.config(pictures, **changes), pictures, scaled, trunk, boundary, log, should_stop)
    return made, log


def everything(pictures):
    return np.arange(len(pictures.images))


def computed(log):
    """Rows that were computed, not read."""
    return sum(phase.total for phase in log.of(events.Phase))


def rows_file():
    return next(paths.features().glob("*.npy"))


def test_rows_are_what_the_trunk_says(stripes, base):
    made, log = activations(stripes, base)
    made.prepare({0: everything(stripes)})
    some = np.array([7, 3, 30])
    rows = made.rows(some, 0)
    assert rows.dtype == np.float32
    for index, row in zip(some, rows, strict=True):
        pixels = np.asarray(toys.Image.open(stripes.path(stripes.images[index])))[None]
        expected = made.trunk(made.preprocessing(pixels), training=False)[0]
        assert row == pytest.approx(np.asarray(expected), abs=1e-5)
    assert log.of(events.Progress)[-1].done == log.of(events.Phase)[0].total == 40


def test_a_second_look_computes_nothing(stripes, base):
    first, _ = activations(stripes, base)
    first.prepare({0: everything(stripes)})
    again, log = activations(stripes, base)
    again.prepare({0: everything(stripes)})
    assert not log
    assert np.array_equal(again.rows(everything(stripes), 0), first.rows(everything(stripes), 0))


def test_what_decides_the_rows_decides_the_file(stripes, base):
    for change in ({}, {"boundary": 3}, {"backbone": toys.BackboneConfig(TINY.name, "random", SIDE)}):
        activations(stripes, base, **change)[0].prepare({0: everything(stripes)[:2]})
    assert len(list(paths.features().glob("*.npy"))) == 2
    made, _ = activations(stripes, base, augmentation="light")
    made.prepare({1: everything(stripes)[:2], 2: everything(stripes)[:2]})
    assert len(list(paths.features().glob("*.npy"))) == 4
    other = network.load_base(TINY, "random", SIDE)  # other random weights
    activations(stripes, other)[0].prepare({0: everything(stripes)[:2]})
    assert len(list(paths.features().glob("*.npy"))) == 5


def test_edits_and_other_splits_use_the_same_rows(stripes, base):
    activations(stripes, base)[0].prepare({0: everything(stripes)[:30]})
    keys = [image.key for image in stripes.images]
    edited = datasets.relabel(datasets.remove(stripes, keys[:5]), keys[10:12], "slanting")
    made, log = activations(edited, base)
    made.prepare({0: everything(edited)})
    assert computed(log) == 10  # those that the first call did not ask for
    whole, _ = activations(stripes, base)
    assert np.array_equal(made.rows(np.array([0]), 0), prepared(whole, [5]))


def prepared(made, indices):
    made.prepare({0: np.array(indices)})
    return made.rows(np.array(indices), 0)


def test_a_damaged_row_heals(stripes, base):
    made, _ = activations(stripes, base)
    sound = prepared(made, range(40)).copy()
    with open(rows_file(), "r+b") as file:
        file.seek(made.rows(np.array([0]), 0).nbytes * 4 + 10)
        file.write(b"damaged")
    again, log = activations(stripes, base)
    assert np.array_equal(prepared(again, range(40)), sound)
    assert computed(log) == 1


def test_a_file_of_the_wrong_size_is_made_anew(stripes, base):
    made, _ = activations(stripes, base)
    sound = prepared(made, range(40)).copy()
    os.truncate(rows_file(), 1000)
    again, log = activations(stripes, base)
    assert np.array_equal(prepared(again, range(40)), sound)
    assert computed(log) == 40


def test_what_was_computed_before_a_stop_is_kept(stripes, base):
    made, log = activations(stripes, base, should_stop=lambda: bool(log.of(events.Progress)))
    with pytest.raises(Stopped):
        made.prepare({0: everything(stripes)})
    done = log.of(events.Progress)[-1].done
    assert 0 < done < 40
    _, log = again = activations(stripes, base)
    again[0].prepare({0: everything(stripes)})
    assert computed(log) == 40 - done


def test_the_cache_stays_within_its_bounds(stripes, base, monkeypatch):
    """The file used longest ago goes; one that can never fit is not made, and its rows are computed each time."""
    one, _ = activations(stripes, base, boundary=3)
    expected = prepared(one, range(40)).copy()
    size = rows_file().stat().st_size
    old = rows_file()
    os.utime(old, (1, 1))
    monkeypatch.setenv("TL_CACHE_GB", str(2.5 * size / 1e9))
    for view in (1, 2):
        activations(stripes, base, boundary=3, augmentation="light")[0].prepare({view: everything(stripes)[:3]})
        assert old.exists() == (view == 1)
        assert store.used() <= 2.5 * size
    monkeypatch.setenv("TL_CACHE_GB", str(0.5 * size / 1e9))
    made, log = activations(stripes, base, boundary=3)
    made.prepare({0: everything(stripes)})
    assert not made.stored(0)
    assert "TL_CACHE_GB" in str(log.of(events.Notice)[0].message)
    rows = np.concatenate([rows for _, rows in made.computed(everything(stripes), 0, 7)])
    assert rows == pytest.approx(expected, abs=1e-5)


def test_files_in_use_are_not_deleted_for_room(stripes, base, monkeypatch):
    made, _ = activations(stripes, base, boundary=3, augmentation="light", views=2)
    made.prepare({1: everything(stripes)[:3]})
    monkeypatch.setenv("TL_CACHE_GB", str(1.5 * rows_file().stat().st_size / 1e9))
    made.prepare({2: everything(stripes)[:3]})
    assert made.stored(1)
    assert not made.stored(2)
    assert rows_file().exists()


def test_without_a_limit_a_fifth_of_the_free_disk_is_used(tl_home, monkeypatch):
    monkeypatch.delenv("TL_CACHE_GB", raising=False)
    free = os.statvfs(tl_home).f_bavail * os.statvfs(tl_home).f_frsize
    assert store.limit() == pytest.approx(min(20e9, free / 5), rel=0.05)


def test_a_full_disk_is_told_and_the_run_goes_on(stripes, tmp_path, monkeypatch):
    def full(self, places, values):
        raise OSError(errno.ENOSPC, "No space left on device")

    settings = toys.config(stripes)
    usual = toys.curve(settings, stripes, tmp_path / "usual")
    rows_file().unlink()
    monkeypatch.setattr(store.Rows, "put", full)
    _, log = toys.run(settings, stripes, tmp_path / "full")
    assert ["disk is full" in str(notice.message) for notice in log.of(events.Notice)] == [True]
    assert np.array(log.losses) == pytest.approx(np.array(usual.losses), rel=1e-5)
    assert not list(paths.features().glob("*.npy"))


def test_another_error_of_the_disk_is_not_hidden(stripes, base, monkeypatch):
    def broken(self, places, values):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(store.Rows, "put", broken)
    with pytest.raises(OSError, match="Input/output"):
        activations(stripes, base)[0].prepare({0: everything(stripes)})


def test_two_may_fill_one_file_at_once(stripes, base):
    pair = [activations(stripes, base) for _ in range(2)]
    threads = [threading.Thread(target=made.prepare, args=({0: everything(stripes)},)) for made, _ in pair]
    for thread in threads:
        thread.start()
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    made, log = activations(stripes, base)
    made.prepare({0: everything(stripes)})
    assert computed(log) <= 1  # at worst a row's checksum is that of the other's last bit
    assert np.array_equal(pair[0][0].rows(everything(stripes), 0), pair[1][0].rows(everything(stripes), 0))


def test_rows_in_bfloat16_take_half_the_space(stripes, base):
    with precision.policy("mixed_bfloat16"):
        half = network.load_base(TINY, "random", SIDE)
        made, _ = activations(stripes, half)
        rows = prepared(made, [0, 1])
    assert str(rows.dtype) == "bfloat16"
    whole, _ = activations(stripes, base)
    assert 2 * rows.nbytes == prepared(whole, [0, 1]).nbytes
