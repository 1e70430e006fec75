"""KerasHub's GPT-2 with our weights gives the numbers of the equations, and gives the weights back unchanged."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.tasks.text_generation import folders, reference
from tl_core.text import tokenizer
from tl_core.text.pretrained import hub_format, model

TINY = folders.TINY


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    return folders.random_weights(TINY)


@pytest.fixture(scope="module")
def network(weights: dict[str, np.ndarray]):
    return model.backbone(TINY, weights)


@pytest.mark.parametrize("length", [1, 7, 64], ids=["one", "short", "whole context"])
def test_logits_equal_the_equations(network, weights: dict[str, np.ndarray], length: int):
    tokens = np.random.default_rng(length).integers(0, TINY.vocabulary, length)
    expected = reference.logits(weights, TINY.layers, TINY.heads, list(tokens))
    found = model.logits(network, tf.constant(tokens[None], tf.int32)).numpy()[0]
    assert np.abs(expected).max() > 1  # else the comparison would mean nothing
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_padding_changes_nothing(network, weights: dict[str, np.ndarray]):
    random = np.random.default_rng(5)
    rows = [random.integers(0, TINY.vocabulary, length) for length in (3, 11, 20)]
    tokens, mask = np.zeros((3, 20), np.int32), np.zeros((3, 20), np.int32)
    for index, row in enumerate(rows):
        tokens[index, : len(row)], mask[index, : len(row)] = row, 1
    found = model.logits(network, tf.constant(tokens), tf.constant(mask)).numpy()
    for index, row in enumerate(rows):
        expected = reference.logits(weights, TINY.layers, TINY.heads, list(row))
        np.testing.assert_allclose(found[index, : len(row)], expected, atol=1e-3)


def test_weights_go_in_and_come_out_unchanged(network, weights: dict[str, np.ndarray]):
    back = model.hub_weights(network)
    assert set(back) == set(weights)
    for name, value in weights.items():
        np.testing.assert_array_equal(back[name], value, err_msg=name)
    assert network.count_params() == TINY.parameters


def test_lora_is_added_in(weights: dict[str, np.ndarray]):
    network = model.backbone(TINY, weights)
    network.enable_lora(2)
    for variable in network.trainable_variables:
        if "lora_kernel_b" in variable.path:
            variable.assign(np.random.default_rng(0).normal(size=variable.shape))
    merged = model.hub_weights(network)
    changed = {name for name in weights if not np.array_equal(weights[name], merged[name])}
    assert changed == {f"h.{layer}.attn.c_attn.weight" for layer in range(TINY.layers)}
    tokens = [5, 6, 7, 8]
    expected = reference.logits(merged, TINY.layers, TINY.heads, tokens)
    np.testing.assert_allclose(model.logits(network, tf.constant([tokens])).numpy()[0], expected, atol=1e-3)


def test_a_written_folder_is_what_transformers_and_keras_hub_read(tmp_path: Path, weights: dict[str, np.ndarray]):
    first = folders.write(tmp_path / "first", weights=weights)
    hub_format.write(tmp_path / "second", TINY, weights, first)
    loaded = model.load_folder(tmp_path / "second")
    for name, value in weights.items():
        np.testing.assert_array_equal(loaded.weights[name], value)

    import keras_hub

    tokens = tf.constant([[5, 9, 250, 31]])
    network = keras_hub.models.GPT2Backbone.from_preset(str(tmp_path / "second"))
    expected = reference.logits(weights, TINY.layers, TINY.heads, [5, 9, 250, 31])
    np.testing.assert_allclose(model.logits(network, tokens).numpy()[0], expected, atol=1e-3)


def test_the_tokenizer_is_transformers_own(tmp_path: Path):
    transformers = pytest.importorskip("transformers")
    path = folders.write(tmp_path)
    ours, theirs = tokenizer.load(path), transformers.GPT2Tokenizer.from_pretrained(path)
    for text in (
        "Once upon a time, there was a king.",
        "",
        "   ",
        "\n\n tabs\tand\r\nlines ",
        "狐狸 and 😀 and naïve",
        "a<|endoftext|>b",
        "don't  it's WE'LL 123,456",
    ):
        ids = tokenizer.encode(ours, text)
        assert ids == theirs.encode(text), text
        assert tokenizer.decode(ours, ids) == text == theirs.decode(ids, clean_up_tokenization_spaces=False)
    assert ours.token_to_id(tokenizer.END) == theirs.eos_token_id


def test_the_tokenizer_splits_as_gpt2_does(shared: Path):
    path = shared / "gpt2-tokenizer"
    ours = tokenizer.load(path)
    assert tokenizer.encode(ours, "Hello world") == [15496, 995]  # as the documentation of transformers has it
    assert tokenizer.encode(ours, "Once upon a time") == [7454, 2402, 257, 640]
    assert tokenizer.encode(ours, "<|endoftext|>") == [50256]
