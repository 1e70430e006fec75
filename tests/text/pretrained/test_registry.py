"""Model folders, and the Hub on a bad day: clear messages, retries, never a half file."""

import dataclasses
import itertools
import json
import time
from pathlib import Path

import numpy as np
import pytest

from tests.tasks.text_generation import folders
from tl_core.base.errors import Stopped, UserError
from tl_core.base.events import Notice, Phase, Progress
from tl_core.text.pretrained import hub, registry
from tl_core.text.pretrained import hub_format as folder_format


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return folders.write(tmp_path / "model")


@pytest.fixture
def server(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    server = folders.Hub(model)
    row = dataclasses.replace(registry.CHECKPOINTS["gpt2"], name="tiny", repository="tl/tiny", title="Tiny")
    monkeypatch.setitem(registry.CHECKPOINTS, "tiny", row)
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(hub, "PAUSE", 0.05)
    yield server
    server.close()


def test_registry_knows_the_real_numbers_of_parameters():
    counts = {name: row.shape.parameters for name, row in registry.CHECKPOINTS.items()}
    assert counts["gpt2"] == 124_439_808  # as Radford et al.'s files and transformers have it
    assert counts["gpt2-medium"] == 354_823_168
    assert counts["distilgpt2"] == 81_912_576
    assert [block.name for block in registry.CHECKPOINTS["distilgpt2"].shape.blocks] == [
        "embeddings",
        *(f"h.{n}" for n in range(6)),
    ]


def test_a_local_folder_is_read_with_and_without_prefix_and_in_half_precision(tmp_path: Path):
    weights = folders.random_weights(folders.TINY, seed=3)
    plain = folders.write(tmp_path / "plain", weights=weights)
    prefixed = folders.write(tmp_path / "prefixed", weights=weights, prefix="transformer.")
    half = {name: value.astype(np.float16) for name, value in weights.items()}
    halves = folders.write(tmp_path / "half", weights=half)
    assert registry.find(str(plain)).kind == "folder"
    for folder in (plain, prefixed, halves):
        shape = folder_format.read_shape(folder)
        assert shape == folders.TINY
        read = folder_format.read_weights(folder, shape)
        assert list(read) == list(weights)
        for name, value in read.items():
            assert value.dtype == np.float32
            np.testing.assert_allclose(value, weights[name], atol=0 if folder != halves else 2e-3)


@pytest.mark.parametrize("name", folder_format.FILES)
def test_a_folder_that_lacks_a_file_says_which(model: Path, name: str):
    (model / name).unlink()
    with pytest.raises(UserError, match=name.replace(".", r"\.") + " is missing"):
        registry.find(str(model))


def test_a_cut_weights_file_is_not_read(model: Path):
    data = (model / folder_format.WEIGHTS).read_bytes()
    for length in (0, 5, 100, len(data) - 1):
        (model / folder_format.WEIGHTS).write_bytes(data[:length])
        with pytest.raises(UserError, match="damaged or incomplete"):
            registry.find(str(model))


def test_weights_that_do_not_fit_or_are_no_numbers_are_refused(model: Path):
    wider = dataclasses.replace(folders.TINY, width=32)
    with pytest.raises(UserError, match=r"does not fit its config.json: wte.weight"):
        folder_format.read_weights(model, wider)
    broken = folders.random_weights(folders.TINY)
    broken["h.1.mlp.c_fc.bias"][3] = np.nan
    folders.write(model, weights=broken)
    with pytest.raises(UserError, match="damaged"):
        folder_format.read_weights(model, folders.TINY)


def test_other_networks_are_refused(model: Path):
    config = json.loads((model / "config.json").read_text())
    for change, text in (({"model_type": "llama"}, "of the kind llama"), ({"n_inner": 40}, "departs from GPT-2")):
        (model / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(UserError, match=text):
            registry.find(str(model))
    with pytest.raises(UserError, match="no language model called nonsense"):
        registry.find("nonsense")


def test_download_with_progress_then_cache_without_a_request(server: folders.Hub, model: Path):
    assert registry.find("tiny") is None
    heard = []
    source = registry.obtain("tiny", heard.append)
    assert source.kind == "download" and source.revision == "c" * 40
    for name in folder_format.FILES:
        assert (source.folder / name).read_bytes() == (model / name).read_bytes()
    total = sum((model / name).stat().st_size for name in folder_format.FILES)
    assert [event.total for event in heard if isinstance(event, Phase)] == [total]
    assert [event.done for event in heard if isinstance(event, Progress)][-1] == total
    assert server.url in str([event for event in heard if isinstance(event, Notice)][-1].message)
    asked = len(server.requests)
    assert registry.obtain("tiny").kind == "cache"
    assert len(server.requests) == asked


@pytest.mark.parametrize("faults", [[500], [503, 502], [429], ["break"], ["damage"], ["damage", "break"]], ids=str)
def test_a_bad_moment_is_got_over(server: folders.Hub, model: Path, faults: list):
    server.faults = list(faults)
    source = registry.obtain("tiny")
    assert not server.faults
    assert (source.folder / folder_format.WEIGHTS).read_bytes() == (model / folder_format.WEIGHTS).read_bytes()


@pytest.mark.parametrize(
    ("faults", "text"),
    [([500] * 99, "HTTP 500"), ([404] * 99, "does not have the file|HTTP 404"), (["damage"] * 99, "checksum")],
    ids=["500", "404", "damage"],
)
def test_a_lasting_fault_is_told_and_nothing_is_left(server: folders.Hub, tmp_path: Path, faults: list, text: str):
    server.faults = faults
    with pytest.raises(UserError, match=text) as caught:
        registry.obtain("tiny")
    assert "bundled model needs no network" in str(caught.value.remedy)
    assert registry.find("tiny") is None
    assert not list(tmp_path.glob("cache/**/*.safetensors")) and not list(tmp_path.glob("cache/**/*.incomplete"))
    server.faults = []
    assert registry.obtain("tiny").kind == "download"


def test_a_stalled_download_is_tried_again(server: folders.Hub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TL_WEIGHTS_TIMEOUT", "0.5")
    server.faults = ["stall"]
    assert registry.obtain("tiny").kind == "download"


def test_stop_during_a_stall_is_quick(server: folders.Hub):
    """Asked eight times within a stall that is noticed after fifteen seconds, it is asked at least every two."""
    server.faults = ["stall"] * 99
    questions = itertools.count(1)

    def downloads() -> int:
        return [kind for kind, path in server.requests if path.endswith(folder_format.WEIGHTS)].count("GET")

    with pytest.raises(Stopped):
        registry.obtain("tiny", None, lambda: downloads() > 0 and next(questions) >= 8)
    assert hub.timeout() == 15 and downloads() == 1, "it must not have waited until the stall was noticed"
    assert next(questions) == 9, "the first yes counts"
    assert registry.find("tiny") is None


def test_no_network_is_told_without_long_pauses(server: folders.Hub, monkeypatch: pytest.MonkeyPatch):
    server.close()
    pauses, sleep = [], time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: pauses.append(seconds) or sleep(seconds))
    with pytest.raises(UserError, match="no connection to the server"):
        registry.obtain("tiny")
    assert sum(pauses) < 10  # the client's own pauses, not only ours


def test_an_unknown_model_and_a_sign_in_page(server: folders.Hub, monkeypatch: pytest.MonkeyPatch):
    row = dataclasses.replace(registry.CHECKPOINTS["tiny"], repository="tl/nothing")
    monkeypatch.setitem(registry.CHECKPOINTS, "nothing", row)
    with pytest.raises(UserError, match="no such model"):
        registry.obtain("nothing")
    server.head_faults = [200] * 99
    with pytest.raises(UserError, match="does not come from a Hub"):
        registry.obtain("tiny")
