"""What is taken home loads elsewhere: KerasHub from the preset and from the Hub's format; the script runs."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.tasks.text_generation import folders, reference
from tl_core.base.errors import UserError
from tl_core.tasks.text_generation import code, export, packing
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.text import tokenizer
from tl_core.text.data import corpus
from tl_core.text.pretrained import hub_format, model
from tl_core.text.pretrained.shape import Shape

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


def _unpacked(archive: Path, target: Path) -> Path:
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(target)
    return target


def test_a_model_of_an_earlier_version_is_taken_home_with_its_end_as_the_last_token(run: Path):
    now, end = run / "model", TINY.vocabulary - 1
    vocabulary = json.loads((now / "vocab.json").read_text(encoding="utf-8"))
    weights = hub_format.read_weights(now, TINY)
    earlier = {token: (number + 1) % TINY.vocabulary for token, number in vocabulary.items()}
    assert vocabulary[tokenizer.END] == end and earlier[tokenizer.END] == 0
    hub_format.write(now, TINY, weights | {"wte.weight": np.roll(weights["wte.weight"], 1, axis=0)}, now)
    (now / "vocab.json").write_text(json.dumps(earlier), encoding="utf-8")
    taken = _unpacked(export.hub_zip(run), run / "hub")
    assert json.loads((taken / "vocab.json").read_text(encoding="utf-8")) == vocabulary
    assert json.loads((taken / "config.json").read_text(encoding="utf-8"))["eos_token_id"] == end
    for name, value in hub_format.read_weights(taken, TINY).items():
        np.testing.assert_array_equal(value, weights[name], err_msg=name)
    assert "sequence_length = 32" in (taken / "README.md").read_text(encoding="utf-8")
    assert not list(run.glob(".for-others*"))


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


LOOK = """
import json, os, runpy
said = runpy.run_path("train.py")
model = said["model"]
again = said["keras_hub"].models.GPT2CausalLM.from_preset("fine-tuned")
tokens = again.preprocessor.tokenizer("The king met the fox.")
inputs = {"token_ids": tokens[None], "padding_mask": tokens[None] > -1}
print("SAID", json.dumps({
    "trained": sum(int(said["np"].prod(v.shape)) for v in model.trainable_variables),
    "kept": float(model.evaluate(*said["examples"](said["validation"]), verbose=0)[0]),
    "best": float(said["best"].best),
    "steps": int(model.optimizer.iterations),
    "differs": float(abs(again(inputs) - model(inputs)).numpy().max()),
    "tokens": said["np"].asarray(tokens).tolist(),
    "length": again.preprocessor.sequence_length,
}))
"""


@pytest.mark.parametrize("rank", [0, 2], ids=["freeze", "lora"])
def test_the_script_as_downloaded_runs_and_keeps_the_best_weights(tl_home: Path, run: Path, rank: int):
    from tl_core.tasks.text_generation.parameters import cost

    text = corpus.paste("\n\n".join(folders.SENTENCES * 20), name="tales")
    rate = 0.3 if rank else 0.1  # so high that the last round is hardly the best
    config = TextConfig(text.id, str(run / "model"), lora_rank=rank, evaluate_every=3, batch_size=2, context=16)
    config = config.with_phase(frozen_blocks=2, steps=8, learning_rate=rate)
    with packing.script_zip(config) as packed:
        place = _unpacked(packed, run / "downloaded")
    assert not packed.exists()
    done = subprocess.run([sys.executable, "-c", LOOK], cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout.split("SAID ")[1])
    assert said["trained"] == cost(config, TINY).trainable
    assert said["steps"] == config.steps
    assert said["kept"] == pytest.approx(said["best"], abs=1e-3)
    assert said["differs"] < 1e-4, "the result is what was trained"
    assert said["tokens"] == model.load_folder(run / "model").tokenizer.encode("The king met the fox.").ids
    assert said["length"] == TINY.context


def test_a_script_whose_model_comes_from_the_hub_says_so_and_brings_the_text_alone(tl_home: Path, tmp_path: Path):
    text = corpus.paste("\n\n".join(folders.SENTENCES * 20), name="tales")
    with packing.script_zip(TextConfig(text.id, "gpt2")) as packed, zipfile.ZipFile(packed) as archive:
        script = archive.read(code.SCRIPT).decode()
        parts = [archive.read(name).decode() for name in (code.TRAINING, code.VALIDATION)]
        assert len(archive.namelist()) == 3
    assert parts == list(corpus.split(text, 0.1))
    assert 'preset = "hf://openai-community/gpt2"' in script and "huggingface.co/openai-community/gpt2" in script
    compile(script, code.SCRIPT, "exec")
    corpus.delete(text.id)
    with pytest.raises(UserError), packing.script_zip(TextConfig(text.id, "gpt2")):
        pass


def test_a_straightened_run_hands_out_the_text_and_the_prompt_that_it_read(tl_home: Path):
    text = corpus.paste("“The king”\u00a0met – ‘once’ – the fox… " * 40, name="curly")
    config = TextConfig(text.id, "gpt2", straighten=True, prompt="“Once")
    with packing.script_zip(config) as packed, zipfile.ZipFile(packed) as archive:
        read = archive.read(code.TRAINING).decode() + archive.read(code.VALIDATION).decode()
        assert "prompt = '\"Once'" in archive.read(code.SCRIPT).decode()
    assert '"The king" met' in read and not set(read) & set("“”‘’–…")
