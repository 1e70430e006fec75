"""Writing: the numbers are the network's, the settings do what they say, and nothing gets out of hand."""

import base64
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.tasks.text_generation import folders, reference
from tl_core.base.errors import UserError
from tl_core.tasks.text_generation import stream
from tl_core.tasks.text_generation.decoder import Decoder
from tl_core.tasks.text_generation.generation import generate
from tl_core.tasks.text_generation.sampling import Settings, distribution
from tl_core.tasks.text_generation.stream import (
    Beams,
    Ended,
    Loop,
    Remark,
    Written,
    loops,
)
from tl_core.text import tokenizer
from tl_core.text.pretrained import model
from tl_core.text.spelling import Speller, spell

TINY = folders.TINY


@pytest.fixture(scope="module")
def language(tmp_path_factory: pytest.TempPathFactory) -> model.LanguageModel:
    return model.load_folder(folders.write(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def decoder(language: model.LanguageModel) -> Decoder:
    decoder = Decoder(language.shape, language.weights)
    decoder.warm(background=False)
    return decoder


def _logits(language: model.LanguageModel, ids: Sequence[int]) -> np.ndarray:
    return reference.logits(dict(language.weights), TINY.layers, TINY.heads, list(ids))[-1]


def _write(decoder, language, prompt="Once upon a time", **settings):
    return list(generate(decoder, language.tokenizer, prompt, Settings(**settings)))


def _written(events) -> list[Written]:
    return [event for event in events if isinstance(event, Written)]


def test_reading_in_any_pieces_gives_the_logits_of_the_equations(language, decoder):
    tokens = np.random.default_rng(1).integers(0, TINY.vocabulary, TINY.context).tolist()
    for pieces in ([64], [1] * 64, [1, 20, 1, 1, 41], [63, 1]):
        decoder.rewind(0)
        start = 0
        for size in pieces:
            seen = decoder.read(tokens[start : start + size])
            start += size
            np.testing.assert_allclose(seen.logits, _logits(language, tokens[:start]), atol=1e-3)


def test_rewinding_forgets(language, decoder):
    decoder.rewind(0)
    decoder.read([5, 6, 7, 8])
    decoder.rewind(2)
    np.testing.assert_allclose(decoder.read([9]).logits, _logits(language, [5, 6, 9]), atol=1e-3)


def test_the_context_grows_into_larger_rooms(tmp_path: Path):
    shape = folders.Shape(vocabulary=300, context=300, layers=2, heads=2, width=8)
    weights = folders.random_weights(shape)
    decoder = Decoder(shape, weights)
    tokens = np.random.default_rng(1).integers(0, 300, 300).tolist()
    decoder.read(tokens[:60])
    said = {count: decoder.read([token]) for count, token in enumerate(tokens[60:], 61)}
    for count in (64, 65, 256, 257, 300):  # before and behind the end of each of ROOMS
        expected = reference.logits(weights, shape.layers, shape.heads, tokens[:count])[-1]
        np.testing.assert_allclose(said[count].logits, expected, atol=1e-3)


def test_lens_and_attention_are_those_of_the_equations(language, decoder):
    ids = tokenizer.encode(language.tokenizer, "Once upon a time")
    outputs, attention = reference.blocks(dict(language.weights), TINY.layers, TINY.heads, ids)
    first = _written(_write(decoder, language, length=1, strategy="greedy", lens=True, attention=(2, 1)))[0]
    assert [guess.block for guess in first.lens] == ["embeddings", "h.0", "h.1", "h.2"]
    for guess, hidden in zip(first.lens, outputs[:, -1], strict=True):
        expected = reference.softmax(reference.last(dict(language.weights), hidden))
        assert guess.candidates[0].id == expected.argmax()
        np.testing.assert_allclose(guess.candidates[0].before, expected.max(), atol=1e-4)
        np.testing.assert_allclose(guess.chosen, expected[first.id], atol=1e-4)
    np.testing.assert_allclose(first.attention, attention[2, 1, -1], atol=1e-4)


def test_greedy_takes_the_likeliest_and_tells_the_truth_about_it(language, decoder):
    events = _write(decoder, language, length=12, strategy="greedy")
    ids = tokenizer.encode(language.tokenizer, "Once upon a time")
    written = _written(events)
    assert len(written) == 12 or written[-1].id == language.end
    for token in written:
        expected = reference.softmax(_logits(language, ids))
        assert token.id == expected.argmax() and token.rank == 1 and token.kept == 1
        np.testing.assert_allclose(token.probability, expected.max(), atol=1e-4)
        best = np.argsort(-expected)[:20]
        assert {c.id for c in token.candidates} == set(best.tolist())
        assert sum(candidate.after for candidate in token.candidates) == 1
        ids.append(token.id)
    end = events[-1]
    assert isinstance(end, Ended) and end.tokens == len(written) and 0 < end.first_seconds <= end.seconds


def test_the_same_seed_writes_the_same_and_another_another(language, decoder):
    texts = [
        [t.id for t in _written(_write(decoder, language, length=20, seed=seed, temperature=1.5, top_p=1.0))]
        for seed in (1, 1, 2)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_samples_differ_and_follow_one_another(language, decoder):
    events = _write(decoder, language, length=10, samples=3, temperature=2.0, top_k=0)
    assert [event.sample for event in events if isinstance(event, Ended)] == [0, 1, 2]
    assert len({tuple(t.id for t in _written(events) if t.sample == sample) for sample in range(3)}) == 3


def test_taking_another_token_goes_on_from_there(language, decoder):
    settings = {"length": 10, "seed": 27, "temperature": 1.5}  # a seed with which the text does not end by itself
    whole = [t.id for t in _written(_write(decoder, language, **settings))]
    bpe, prompt = language.tokenizer, "Once upon a time"
    again = _written(generate(decoder, bpe, prompt, Settings(**settings), written=whole[:4]))
    assert [t.id for t in again] == whole[4:] and again[0].index == 4
    other = _written(generate(decoder, bpe, prompt, Settings(**settings), written=[*whole[:3], 77]))
    assert len(other) == 6
    np.testing.assert_allclose(
        other[0].probability,
        reference.softmax(_logits(language, [*tokenizer.encode(bpe, prompt), *whole[:3], 77]))[other[0].id],
        atol=1e-4,
    )


def test_a_text_that_was_paused_goes_on_as_if_it_had_not_been(language, decoder):
    """Also where its window has slid: TINY sees 64 tokens."""
    settings = {"length": 100, "seed": 27, "temperature": 1.5, "samples": 2}
    texts = [[], []]
    for token in _written(_write(decoder, language, **settings)):
        texts[token.sample].append(token.id)
    for sample, kept in ((0, 3), (0, 63), (1, 95)):
        rest = generate(
            decoder, language.tokenizer, "Once upon a time", Settings(**settings, first=sample),
            written=texts[sample][:kept],
        )  # fmt: skip
        again = [[], []]
        for token in _written(rest):
            again[token.sample].append(token.id)
        assert again[sample] == texts[sample][kept:]
        assert sample == 1 or again[1] == texts[1]


def test_a_token_that_is_there_is_looked_at_instead_of_a_draw(language, decoder):
    ids = tokenizer.encode(language.tokenizer, "Once upon a time")
    settings = Settings(length=1, told=(77,), logits=True, lens=True, attention=(0, 0), heads=True)
    (seen,) = _written(generate(decoder, language.tokenizer, ids, settings))
    expected = _logits(language, ids)
    assert seen.id == 77 and seen.candidates[-1].id == 77
    np.testing.assert_allclose(seen.logits, expected, atol=1e-3)
    np.testing.assert_allclose(seen.probability, reference.softmax(expected)[77], atol=1e-4)
    assert seen.lens[-1].chosen == pytest.approx(seen.probability, abs=1e-4)
    _outputs, attention = reference.blocks(dict(language.weights), TINY.layers, TINY.heads, ids)
    maps = np.frombuffer(base64.b64decode(seen.heads), np.uint8).reshape(TINY.layers, TINY.heads, len(ids), len(ids))
    np.testing.assert_allclose(maps / 255, attention, atol=3e-3)


def test_the_heads_of_a_long_text_are_those_among_its_last_tokens(language, decoder):
    (*_others, seen) = _written(_write(decoder, language, "word " * 40, length=1, heads=True))
    assert len(base64.b64decode(seen.heads)) == TINY.layers * TINY.heads * 24 * 24


@pytest.mark.parametrize("strategy", ["sample", "beam"])
def test_only_the_models_own_time_counts(language, decoder, strategy):
    """A reader with a slow line takes an hour for each token."""
    hours = 0.0
    with pytest.MonkeyPatch.context() as patch:
        clock = time.perf_counter
        patch.setattr(time, "perf_counter", lambda: clock() + hours)
        events = []
        for event in generate(decoder, language.tokenizer, "Once", Settings(length=4, strategy=strategy)):
            hours += 3600 * isinstance(event, Written)
            events.append(event)
    written, end = _written(events), events[-1]
    assert hours == 3600 * len(written) > 3600
    assert all(token.seconds > 0 for token in written)
    assert sum(token.seconds for token in written) == pytest.approx(end.seconds)
    assert 0 < end.first_seconds <= end.seconds < 3600


def test_stop_ends_after_the_token(language, decoder):
    heard = []
    for event in generate(decoder, language.tokenizer, "Once", Settings(length=50), lambda: len(heard) >= 3):
        heard.append(event)
    assert len(_written(heard)) == 3
    assert heard[-1].reason == "stopped"


def test_settings_cut_what_they_say():
    logits = np.log(np.array([0.05, 0.4, 0.3, 0.2, 0.05], np.float32))
    all_of_it = distribution(logits, Settings(temperature=1, top_k=0, top_p=1), [])
    np.testing.assert_allclose(all_of_it.after, [0.4, 0.3, 0.2, 0.05, 0.05], atol=1e-6)
    assert all_of_it.kept.tolist() == [1, 2, 3, 0, 4]
    top_k = distribution(logits, Settings(temperature=1, top_k=2, top_p=1), [])
    np.testing.assert_allclose(top_k.after, [4 / 7, 3 / 7], atol=1e-6)
    top_p = distribution(logits, Settings(temperature=1, top_k=0, top_p=0.75), [])
    assert top_p.kept.tolist() == [1, 2, 3]  # 0.4 + 0.3 is not enough
    assert top_p.after_of(2) == pytest.approx(0.3 / 0.9, abs=1e-6) and top_p.after_of(0) == 0
    assert top_p.rank(1) == 1 and top_p.rank(3) == 3
    cold = distribution(logits, Settings(temperature=0.5, top_k=0, top_p=1), [])
    np.testing.assert_allclose(cold.after[:2], np.array([0.16, 0.09]) / 0.295, atol=1e-6)
    np.testing.assert_allclose(cold.before, np.exp(logits), atol=1e-6)


def test_the_draw_follows_the_probabilities():
    logits = np.log(np.array([0.1, 0.6, 0.3], np.float32))
    spread = distribution(logits, Settings(temperature=1, top_k=0, top_p=1), [])
    drawn = [spread.draw(Settings(seed=9), (0, index)) for index in range(3000)]
    np.testing.assert_allclose(np.bincount(drawn) / 3000, [0.1, 0.6, 0.3], atol=0.03)


def test_the_repetition_penalty_makes_what_occurred_less_likely():
    logits = np.array([2.0, -1.0, 1.5], np.float32)
    spread = distribution(logits, Settings(strategy="greedy", repetition_penalty=2.0), [0, 0, 1])
    assert spread.kept.tolist() == [2]
    soft = distribution(logits, Settings(temperature=1, top_k=0, top_p=1, repetition_penalty=2.0), [0, 1])
    expected = reference.softmax(np.array([1.0, -2.0, 1.5]))
    np.testing.assert_allclose([soft.after_of(i) for i in range(3)], expected, atol=1e-6)


def test_beam_search_finds_what_trying_everything_finds(language, decoder):
    ids = tokenizer.encode(language.tokenizer, "Once")
    events = _write(decoder, language, "Once", strategy="beam", beams=16, length=2)
    assert sum(isinstance(event, Beams) for event in events) == 2
    first = np.log(reference.softmax(_logits(language, ids)))
    best = max(
        (
            (first[i] + second.max(), i, int(second.argmax()))
            for i in np.argsort(-first)[:16]
            if i != language.end
            for second in [np.log(reference.softmax(_logits(language, [*ids, int(i)])))]
        ),
    )
    ended = [(first[language.end] * 2, language.end, None)]  # per token, over two tokens
    best = max([best, *ended], key=lambda item: item[0])
    written = _written(events)
    assert written[0].id == best[1] and (best[2] is None or written[1].id == best[2])
    beams = next(event for event in reversed(events) if isinstance(event, Beams))
    assert list(beams.scores) == sorted(beams.scores, reverse=True)


@pytest.mark.parametrize(
    "prompt", ["", "   \n", "😀😀", "从前有一个国王", "\x00\xff\ufffd", "word " * 20_000], ids=repr
)
def test_odd_prompts_are_written_on(language, decoder, prompt: str):
    events = _write(decoder, language, prompt, length=5, top_k=0)
    assert isinstance(events[-1], Ended) and 1 <= events[-1].tokens <= 5
    remarks = [str(event.message) for event in events if isinstance(event, Remark)]
    if not prompt.strip():
        assert "empty" in remarks[0]
    if len(prompt) > 1000:
        [remark] = remarks
        assert "reads the last 64" in remark
        assert "last 32 whenever they are full" in remark, "what happens at the very next token is no contradiction"


def test_a_long_text_slides_its_window(language, decoder):
    prompt = "Once upon a time there was"
    events = _write(decoder, language, prompt, length=150, strategy="greedy")
    written = _written(events)
    assert len(written) == 150
    [remark] = [str(event.message) for event in events if isinstance(event, Remark)]
    assert "goes on with the last 32" in remark, "said once, though it slides three times"
    ids = [*tokenizer.encode(language.tokenizer, prompt), *(t.id for t in written)]
    position = next(index for index, event in enumerate(events) if isinstance(event, Remark))
    token = events[position + 1]
    before = len(ids) - len(written) + token.index
    expected = reference.softmax(_logits(language, ids[before - 32 : before]))
    np.testing.assert_allclose(token.probability, expected[token.id], atol=1e-4)


def test_several_long_texts_say_once_that_the_window_slides(language, decoder):
    events = _write(decoder, language, "Once upon a time", length=70, samples=3)
    assert sum(isinstance(event, Ended) for event in events) == 3
    assert sum(isinstance(event, Remark) for event in events) == 1


def test_characters_of_several_tokens_appear_whole(language):
    bpe = language.tokenizer
    ids = tokenizer.encode(bpe, "The 狐狸 😀 naïve")
    speller = Speller(bpe, ())
    pieces = [speller.text(token) for token in ids]
    assert "".join(pieces) == "The 狐狸 😀 naïve"
    assert "" in pieces and not any("\ufffd" in piece for piece in pieces)
    assert spell(bpe, tokenizer.encode(bpe, "狐")[0]).startswith("<E7")


def test_events_survive_the_way_to_the_page(language, decoder):
    events = _write(decoder, language, "", length=3, lens=True, attention=(0, 0), logits=True, heads=True)
    events += _write(decoder, language, strategy="beam", length=3)
    assert {type(event) for event in events} == {Remark, Written, Ended, Beams}
    for event in events:
        assert stream.from_json(json.loads(json.dumps(stream.to_json(event)))) == event


def test_loops_are_told_from_ordinary_text():
    assert loops([1, 2, 3, 4, 5, 6, 7, 8]) == []
    assert [one.repeated for one in loops([1, 2, 2, 3, 4, 5])] == [1]
    assert [one.repeated for one in loops([9, 8, *[1, 2, 3] * 5])] == [12]


def test_every_loop_is_found_where_it_begins():
    assert loops([9, 8, *[1, 2, 3] * 5, 7]) == [Loop(start=2, size=3, repeated=12)]
    assert loops([1, 2, 3, 4]) == []
    assert loops([*range(20)] * 2, largest=10) == []
    first, second = [1, 2, 3] * 5, [4, 5, 6, 7] * 6
    found = [Loop(start=2, size=3, repeated=12), Loop(start=18, size=4, repeated=20)]
    assert loops([9, 8, *first, 0, *second], least=8) == found
    assert loops([*first, *second]) == [Loop(0, 3, 12), Loop(15, 4, 20)]
    assert loops([*first, 0, 2, 2], least=8) == [Loop(0, 3, 12)]


def test_loops_that_share_tokens_do_not_overlap():
    ids = [*[1, 2, 3] * 4, 1, 1, 1, 1, 1, 1, 1]  # the fourth 1 of the run of ones ends the first circle
    assert loops(ids) == [Loop(0, 3, 10), Loop(13, 1, 5)]


def test_settings_out_of_range_are_refused(language, decoder):
    for wrong in ({"length": 0}, {"temperature": 0}, {"top_p": 1.5}, {"samples": 99}, {"attention": (3, 0)}):
        with pytest.raises(UserError):
            _write(decoder, language, **wrong)
    with pytest.raises(UserError, match="strategy"):
        _write(decoder, language, strategy="magic")
