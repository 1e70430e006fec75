"""The source task: tales are cut cleanly, held-out tales stay held out, and a pretraining can be interrupted."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from tests.tasks.text_generation import reference
from tl_core import __main__ as command_line
from tl_core.pretrain import tales
from tl_core.pretrain import text as pretraining
from tl_core.text import tokenizer
from tl_core.text.pretrained import hub_format

COLLECTION = """Produced by Somebody


THE BOOK OF TALES

By Nobody


CONTENTS

     THE FOX
     THE KING


THE FOX

There was once a fox who lived in a wood so deep that nobody, not even the
oldest owl, could say where it ended, and he called it his ‘garden’.(3)

  “Come, come,
  Little one.”


(3) Grimm.


The King and His Crown

A king lost his crown one morning, and nobody dared to tell him of it until
the evening, when he asked for it himself.
"""


def test_tales_are_cut_out_of_a_collection(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tales, "_SHORTEST", 50)
    fox, king = tales.tales(COLLECTION)
    assert (fox.title, king.title) == ("THE FOX", "The King and His Crown")
    assert fox.text == (
        "There was once a fox who lived in a wood so deep that nobody, not even the oldest owl, could say where it "
        "ended, and he called it his 'garden'.\n\n\"Come, come,\nLittle one.\""
    )
    assert king.text.startswith("A king lost his crown one morning, and nobody dared to tell him of it until the even")


def test_nothing_held_out_is_trained_on():
    shared = "This paragraph stands in more than one of the tales of this collection."
    made = [tales.Tale(str(n), f"Tale number {n} begins here and goes on for a while.\n\n{shared}") for n in range(200)]
    training, held_out = tales.split(made)
    assert len(training) + len(held_out) == 200 and 3 <= len(held_out) <= 16
    assert all(shared in text for text in held_out) and not any(shared in text for text in training)


def test_the_real_collection_gives_clean_tales(shared: Path):
    found = tales.read(shared / "text" / "fairy_tales.txt")
    text = "\n".join(tale.text for tale in found)
    assert len(found) > 400 and len(text) > 6_500_000
    assert "Gutenberg" not in text and "_Parallels_" not in text and "’" not in text
    lengths = [len(line) for line in text.split("\n") if line]
    assert np.median(lengths) > 120  # paragraphs, not lines of a printed page
    held_out = sum(len(tale.text) for tale in found if tale.held_out)
    assert 0.03 < held_out / len(text) < 0.07


@pytest.mark.parametrize("vocabulary", [300, 500])
def test_the_tokenizer_writes_every_text_and_comes_back_from_disk(tmp_path: Path, vocabulary: int):
    bpe = tokenizer.train(["the king and the fox and the king"] * 50, vocabulary)
    tokenizer.save(bpe, tmp_path)
    loaded = tokenizer.load(tmp_path)
    vocab = json.loads((tmp_path / "vocab.json").read_text(encoding="utf-8"))
    assert vocab[tokenizer.END] == len(vocab) - 1 and sorted(vocab.values()) == list(range(len(vocab)))
    for text in ("the king", "Ω狐 \x00\x7f", "a<|endoftext|>b"):
        assert tokenizer.decode(loaded, tokenizer.encode(loaded, text)) == text
        assert tokenizer.encode(loaded, text) == tokenizer.encode(bpe, text)


def _recipe() -> pretraining.Recipe:
    return pretraining.Recipe(
        vocabulary=300, context=16, layers=2, heads=2, width=16, steps=12, batch_size=4, warmup=2, learning_rate=1e-2
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    words = ["king", "fox", "wood", "crown", "went", "said", "the", "old", "golden", "and"]
    pieces = []
    for number in range(120):
        sentences = [" ".join(random.choice(words, 9)) + "." for _ in range(20)]
        pieces.append(f"Tale Number {'abcdefghij'[number % 10].upper()}\n\n" + " ".join(sentences))
    path = tmp_path / "tales.txt"
    path.write_text("\n\n\n".join(pieces), encoding="utf-8")
    return path


def test_pretraining_learns_resumes_exactly_and_writes_a_model(source: Path, tmp_path: Path):
    recipe = _recipe()
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    corpus = pretraining.prepare(source, whole, recipe)
    said = []
    one = pretraining.train(recipe, corpus, whole, said.append, every=6)
    assert [record["step"] for record in said] == [6, 12] and said[1]["held_out"] < said[0]["held_out"]

    class Interrupted(Exception):
        pass

    def interrupt(record: dict) -> None:
        raise Interrupted

    pretraining.prepare(source, parts, recipe)
    with pytest.raises(Interrupted):
        pretraining.train(recipe, corpus, parts, interrupt, every=5, checkpoint_seconds=0)
    two = pretraining.train(recipe, corpus, parts, said.append, every=100)
    for name in one:
        np.testing.assert_allclose(one[name], two[name], atol=2e-4, err_msg=name)
    with pytest.raises(ValueError, match="another recipe"):
        pretraining.train(dataclasses.replace(recipe, dropout=0.5), corpus, parts, said.append)


def test_bits_per_byte_are_those_of_the_equations(source: Path, tmp_path: Path):
    recipe = _recipe()
    corpus = pretraining.prepare(source, tmp_path / "out", recipe)
    weights = pretraining.network.random_weights(recipe.shape, 1)
    row = corpus.held_out[:60]
    found = pretraining.evaluator(recipe.shape)(weights, row)
    losses, half = [], recipe.context // 2
    for start in range(0, len(row) - recipe.context - 1, half):
        window = row[start : start + recipe.context + 1]
        predicted = reference.softmax(reference.logits(weights, recipe.layers, recipe.heads, window[:-1].tolist()))
        own = -np.log(predicted[np.arange(recipe.context), window[1:]])
        losses += own.tolist() if start == 0 else own[half:].tolist()
    assert found == pytest.approx(np.mean(losses) * len(row), rel=1e-3)
    assert found / len(row) == pytest.approx(math.log(300), rel=0.05)


def test_the_command_pretrains_from_a_text_file(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    output = tmp_path / "out"
    options = ["--vocabulary", "300", "--context", "16", "--layers", "1", "--heads", "2", "--width", "16"]
    options += ["--steps", "4", "--batch-size", "2"]
    command = ["pretrain", "text", "--source", str(source), "--output", str(output), *options]
    assert command_line.main(command) == 0
    hub_format.check(output)
    shape = hub_format.read_shape(output)
    assert (shape.vocabulary, shape.layers) == (300, 1)
    hub_format.read_weights(output, shape)
    assert "held_out" in (output / "log.jsonl").read_text() and "held out" in capsys.readouterr().out
    assert "bits per byte" in (output / "README.md").read_text()
