"""The bundled model: small, whole, and it tells fairy tales; the figures of its card are measured again."""

import re

import numpy as np
import pytest

from tl_core.base.paths import ASSETS
from tl_core.pretrain import text as pretraining
from tl_core.tasks.text_generation import sampling
from tl_core.tasks.text_generation.decoder import Decoder
from tl_core.tasks.text_generation.generation import generate
from tl_core.tasks.text_generation.sampling import Settings
from tl_core.tasks.text_generation.stream import Written, loops
from tl_core.text import tokenizer
from tl_core.text.pretrained import hub_format, model, registry

FOLDER = ASSETS / "weights" / "gpt2-tales"


@pytest.fixture(scope="module")
def tales() -> model.LanguageModel:
    return model.load("tales")


@pytest.fixture(scope="module")
def decoder(tales: model.LanguageModel) -> Decoder:
    decoder = Decoder(tales.shape, tales.weights)
    decoder.warm(background=False)
    return decoder


def _text(decoder, tales, prompt="Once upon a time", **settings) -> tuple[list[int], str]:
    written = [e for e in generate(decoder, tales.tokenizer, prompt, Settings(**settings)) if isinstance(e, Written)]
    return [event.id for event in written], "".join(event.text for event in written)


def test_it_is_what_the_registry_says_and_small(tales: model.LanguageModel):
    row = registry.CHECKPOINTS["tales"]
    assert registry.find("tales").kind == "bundled"
    assert hub_format.read_shape(FOLDER) == row.shape == tales.shape
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 12_000_000
    assert abs((FOLDER / hub_format.WEIGHTS).stat().st_size - row.size) < 100_000
    vocabulary = tales.tokenizer.get_vocab()
    assert len(vocabulary) == row.shape.vocabulary
    assert tokenizer.decode(tales.tokenizer, tokenizer.encode(tales.tokenizer, "狐狸 😀")) == "狐狸 😀"


def test_held_out_tales_take_less_than_1_9_bits_a_byte(tales: model.LanguageModel):
    text = (FOLDER / "held_out.txt").read_text(encoding="utf-8")[:16_000]
    row = np.array(tokenizer.encode(tales.tokenizer, text), np.int32)
    nats = pretraining.evaluator(tales.shape)(tales.weights, row)
    bits = nats / np.log(2) / len(text.encode())
    card = float(re.search(r"bits per byte, held out \| ([\d.]+)", (FOLDER / "README.md").read_text()).group(1))
    assert bits <= 1.9 and card <= 1.9
    assert bits == pytest.approx(card, abs=0.15)  # an excerpt


def test_held_out_tales_were_not_trained_on(shared):
    from tl_core.pretrain import tales as collection

    training, held_out = collection.split(collection.read(shared / "text" / "fairy_tales.txt"))
    excerpt = (FOLDER / "held_out.txt").read_text(encoding="utf-8")
    paragraphs = [p for p in excerpt.split("\n\n") if len(p) > 100][:-1]
    assert len(paragraphs) > 20
    everything = "\n\n".join(training)
    assert all(any(p in text for text in held_out) for p in paragraphs)
    assert not any(p in everything for p in paragraphs)


def test_default_sampling_does_not_loop_and_writes_words(decoder, tales: model.LanguageModel):
    known = set(re.findall(r"[a-z]+", (FOLDER / "held_out.txt").read_text(encoding="utf-8").lower()))
    shares = []
    for seed in range(12):
        ids, text = _text(decoder, tales, seed=seed)
        assert all(one.repeated < 10 for one in loops(ids, largest=len(ids))), text
        words = re.findall(r"[a-z]+", text.lower())
        shares.append(np.mean([word in known for word in words]))
    assert np.mean(shares) > 0.85


def test_greedy_repeats_itself_as_the_article_shows(decoder, tales: model.LanguageModel):
    ids, text = _text(decoder, tales, sampling.ARTICLE_PROMPT, strategy="greedy", length=120)
    assert any(one.repeated >= 10 for one in loops(ids, largest=len(ids))), text


def test_it_speaks_of_what_tales_speak_of(decoder, tales: model.LanguageModel):
    text = " ".join(_text(decoder, tales, seed=seed, length=100)[1] for seed in range(8)).lower()
    told = {"king", "queen", "princess", "prince", "castle", "forest", "daughter", "son", "old", "wood", "gold",
            "beautiful", "wife", "brother", "sister", "palace", "giant", "fairy", "witch"}  # fmt: skip
    assert len(told & set(re.findall(r"[a-z]+", text))) >= 5, text
