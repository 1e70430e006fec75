"""Encoders: the one that comes as a package, folders on this computer, and what is no encoder."""

import json

import numpy as np
import pytest

from tests.tasks.text_classification import tiny
from tl_core.base import packages
from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.text.pretrained import encoder as loaded
from tl_core.text.pretrained import encoders
from tl_core.text.pretrained.encoders import ENCODERS

pytestmark = pytest.mark.usefixtures("tl_home")
MINILM = ENCODERS["minilm"]


@pytest.fixture
def minilm():
    try:
        packages.located(MINILM.package)
    except UserError as error:
        pytest.skip(f"ENCODER ABSENT: {error.what} {error.remedy}")
    return encoders.find("minilm")


def test_the_package_holds_the_encoder_of_the_row(minilm):
    assert minilm.kind == "package"
    assert encoders.read_shape(minilm.folder) == MINILM.shape
    network = loaded.load("minilm")
    assert sum(int(np.prod(v.shape)) for v in loaded.block_variables(network, 0)) == MINILM.shape.parameters


def test_sentences_that_mean_the_same_lie_near_each_other(minilm):
    """The packaged weights are the ones that KerasHub reads: cosine similarity as its card promises."""
    import tensorflow as tf

    network = loaded.load("minilm")
    texts = ["A dog runs in the park.", "A puppy is running outdoors.", "The bank raised its interest rates."]
    tokens = tf.constant(network.tokens(texts, 16))
    mask = tokens != network.padding
    found = loaded.through(network, loaded.embedded(network, tokens), mask, 0, MINILM.shape.layers)
    means = loaded.mean(found, mask).numpy()
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    assert means[0] @ means[1] > 0.6 > 0.2 > means[0] @ means[2]


def test_a_missing_package_costs_its_row_only(monkeypatch, tmp_path):
    def missing(file):
        raise UserError(message("It is absent."), message("Install it."))

    monkeypatch.setattr(encoders.packages, "located", missing)
    monkeypatch.setattr("tl_core.text.pretrained.hub.cached", lambda *_: None)
    assert encoders.find("minilm") is None
    assert encoders.find(str(tiny.write(tmp_path / "tiny"))).kind == "folder"


@pytest.mark.parametrize("row", ENCODERS.values(), ids=lambda row: row.name)
def test_a_row_is_whole(row):
    assert row.name in encoders.ENCODERS and row.licence and row.repository.count("/") == 1
    assert row.tokenizer in encoders.TOKENIZERS
    assert 4 * row.shape.parameters == pytest.approx(row.size, rel=0.05)


def test_blocks_and_all_of_a_network_have_as_many_parameters_as_said(tmp_path):
    network = loaded.load(str(tiny.write(tmp_path / "tiny")))
    blocks = network.shape.blocks
    assert [block.name for block in blocks] == ["embeddings", "layer.0", "layer.1"]
    for number in range(len(blocks)):
        variables = loaded.block_variables(network, number)
        assert sum(int(np.prod(v.shape)) for v in variables) == sum(block.parameters for block in blocks[number:])


def test_random_weights_follow_the_seed_and_other_weights_have_another_mark(tmp_path):
    folder = str(tiny.write(tmp_path / "tiny"))
    marks = [loaded.mark(loaded.load(folder, random=True, seed=seed)) for seed in (0, 0, 1)]
    assert marks[0] == marks[1] != marks[2]
    assert loaded.mark(loaded.load(folder)) not in marks


def test_texts_are_cut_to_the_limit_and_filled_up(tmp_path):
    network = loaded.load(str(tiny.write(tmp_path / "tiny")))
    tokens = network.tokens(["this film was good", "good " * 50, ""], 8)
    assert tokens.shape == (3, 8) and tokens.dtype == np.int32
    assert (tokens[0, -2:] == network.padding).all() and (tokens[1] != network.padding).all()
    assert encoders.token_counter(tmp_path / "tiny")(["this film was good"]) == [6]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: (folder / "config.json").unlink(), "is missing"),
        (lambda folder: (folder / "vocab.txt").unlink(), "is missing"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"short"), "damaged or incomplete"),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot be read"),
        (lambda folder: _changed(folder, model_type="gpt2"), "not an encoder"),
        (lambda folder: _changed(folder, hidden_size=31), "do not fit"),
        (lambda folder: _changed(folder, vocab_size=10**9), "too many"),
    ],
)
def test_what_is_no_encoder_is_explained(tmp_path, change, said):
    folder = tiny.write(tmp_path / "tiny")
    change(folder)
    with pytest.raises(UserError, match=said):
        encoders.find(str(folder))


def test_an_unknown_name_is_explained():
    with pytest.raises(UserError, match="no encoder called"):
        encoders.find("no_such_encoder")


def _changed(folder, **values):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
