"""What is taken home loads elsewhere: KerasHub from the preset and from the Hub's format; the script runs."""

import dataclasses
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.text import folders, reference
from tl_core.errors import UserError
from tl_core.text import code, export, model
from tl_core.text.config import TextConfig
from tl_core.text.shape import Shape
from tl_core.text.typography import PLAIN, straightened

TINY = Shape(vocabulary=300, context=32, layers=2, heads=2, width=16)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folders.write(tmp_path / "model", TINY, folders.random_weights(TINY))
    return tmp_path


def test_a_preset_is_what_keras_hub_loads_tokenizer_included(run: Path):
    import keras_hub

    with zipfile.ZipFile(export.keras_zip(run)) as archive:
        archive.extractall(run / "preset")
    causal = keras_hub.models.GPT2CausalLM.from_preset(str(run / "preset"))
    ids = model.load_folder(run / "model").tokenizer.encode("Once upon a time").ids
    assert np.asarray(causal.preprocessor.tokenizer("Once upon a time")).tolist() == ids
    weights = dict(model.load_folder(run / "model").weights)
    expected = reference.logits(weights, TINY.layers, TINY.heads, ids)
    np.testing.assert_allclose(model.logits(causal.backbone, tf.constant([ids])).numpy()[0], expected, atol=1e-3)


def test_the_hub_zip_holds_the_four_files(run: Path):
    path = export.hub_zip(run)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert {"config.json", "vocab.json", "merges.txt", "model.safetensors"} <= set(archive.namelist())
    assert export.hub_zip(run) == path and not list(run.glob("*.part"))


def test_a_run_without_a_model_says_so(tmp_path: Path):
    for wanted in (export.hub_zip, export.keras_zip):
        with pytest.raises(UserError, match="no model yet"):
            wanted(tmp_path)
    with pytest.raises(UserError, match="no LoRA weights"):
        export.lora_file(tmp_path)


def test_the_script_reads_the_text_as_the_run_does():
    config = TextConfig("x", straighten=True)
    lines = code.keras_code(config, TINY).splitlines()
    found = {"text": "".join(PLAIN.values()) + " caf\u00e9"}
    exec("\n".join(line for line in lines if line.startswith(("plain =", "text = text."))), found)
    assert found["text"] == straightened("".join(PLAIN.values()) + " caf\u00e9")
    assert "translate" not in code.keras_code(dataclasses.replace(config, straighten=False), TINY)


@pytest.mark.parametrize("change", [{"frozen_blocks": 2}, {"lora_rank": 2, "frozen_blocks": 2}], ids=["freeze", "lora"])
def test_the_script_runs_and_trains_as_many_weights_as_the_app(run: Path, change: dict):
    from tl_core.text.config import cost

    config = TextConfig(corpus="x", model="model", steps=4, evaluate_every=2, batch_size=2, context=16, **change)
    (run / "text.txt").write_text("\n".join(folders.SENTENCES * 20))
    script = code.keras_code(config, TINY)
    config = dataclasses.replace(config, model=str(run / "model"))
    script += "print('TRAINED', sum(int(np.prod(v.shape)) for v in model.trainable_variables))\n"
    done = subprocess.run([sys.executable, "-c", script], cwd=run, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    trained = int(done.stdout.split("TRAINED ")[1])
    expected = cost(config, TINY).trainable
    if config.lora_rank:  # KerasHub's `enable_lora` trains the biases of query and value as well
        expected += 2 * TINY.width * (len(TINY.blocks) - 2)
    assert trained == expected
    assert (run / "fine-tuned").is_dir()
