"""Texts that are read together are what they are alone, token for token, whoever joins or leaves meanwhile.

The programs are made so that even the bits are the same; where a processor's own instructions round otherwise in one of
them, the numbers may differ in their last digits, and the tokens still may not.
"""

import threading
from collections.abc import Callable

import numpy as np
import pytest

from tl_core.tasks.text_generation.decoder import Decoder
from tl_core.tasks.text_generation.generation import generate
from tl_core.tasks.text_generation.program import Caches, Program
from tl_core.tasks.text_generation.sampling import Settings
from tl_core.tasks.text_generation.stream import Written
from tl_core.text.pretrained import model, network
from tl_core.text.pretrained.shape import Shape

PROMPTS = (
    "Once upon a time", "The king", "A fox", "One day the princess", "In the forest", "There was an old woman",
    "The wolf said", "“Come in,” she", "Far away", "When the sun", "The youngest son", "My child",
)  # fmt: skip


@pytest.fixture(scope="module")
def tales() -> model.LanguageModel:
    return model.load("tales")


@pytest.fixture(scope="module")
def decoder(tales: model.LanguageModel) -> Decoder:
    decoder = Decoder(tales.shape, tales.weights)
    decoder.warm(background=False)
    for rows in (2, 4, 16):
        decoder._program.make_all([rows])
    return decoder


def _at_once(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()


def _odd() -> tuple[Shape, dict[str, np.ndarray]]:
    """As wide as GPT-2, with a vocabulary that fills no vector."""
    shape = Shape(vocabulary=1003, context=128, layers=2, heads=12, width=768)
    return shape, network.random_weights(shape, seed=3)


@pytest.mark.parametrize("which", ["tales", "as wide as GPT-2"])
def test_the_numbers_of_a_row_are_the_same_in_every_program(tales, which: str):
    shape, weights = (tales.shape, tales.weights) if which == "tales" else _odd()
    program = Program(shape, weights)
    tokens = np.random.default_rng(0).integers(0, shape.vocabulary, (20, 32))
    alone = Caches(shape, 1, program.rooms[0])
    expected = [program.step([0], [row[0]], [place], alone)[0] for place, row in enumerate(tokens)]
    for rows, room in ((2, 64), (8, 64), (32, 64), (1, 128), (8, 128), (32, 128), (32, program.rooms[-1])):
        caches, others = Caches(shape, rows, room), list(range(rows))
        for place, row in enumerate(tokens):
            seen = program.step(others, row[:rows].tolist(), [place] * rows, caches)[0]
            for name in ("logits", "hidden", "queries"):
                mine, theirs = getattr(seen, name), getattr(expected[place], name)
                np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-4, err_msg=f"{rows} in {room}")


def test_caches_are_written_where_the_program_reads_them():
    shape, _weights = _odd()
    caches = Caches(shape, 2, 64)
    caches.put(1, 3, np.ones((2, 1, 12, 64), np.float32), np.full((2, 1, 12, 64), 2, np.float32))
    assert caches.tensors[0][1, 3, 0, 0].numpy() == 1 and caches.tensors[2][1, 3, 0, 0].numpy() == 2


@pytest.mark.parametrize("strategy", ["greedy", "sample"])
def test_a_text_is_the_same_alone_and_in_company(tales, decoder, strategy: str):
    """Each of its own length, so that some leave while others go on; two long ones slide their window."""
    asked = {
        prompt: Settings(
            length=300 if number < 2 else 10 + 9 * number, strategy=strategy, seed=number, lens=number == 3,
            temperature=1.0, attention=(1, 2) if number == 4 else None,
        )
        for number, prompt in enumerate(PROMPTS)
    }  # fmt: skip

    def write(prompt: str) -> list[Written]:
        own = decoder.beside()
        events = list(generate(own, tales.tokenizer, prompt, asked[prompt]))
        own.leave()
        return [event for event in events if isinstance(event, Written)]

    alone = {prompt: write(prompt) for prompt in PROMPTS}
    together: dict[str, list[Written]] = {}
    _at_once([lambda prompt=prompt: together.update({prompt: write(prompt)}) for prompt in PROMPTS])
    for prompt, written in alone.items():
        assert [event.id for event in together[prompt]] == [event.id for event in written], prompt
        for mine, theirs in zip(written, together[prompt], strict=True):
            # As closely as above: a processor without AVX-512 sums in another order where there are several rows, so
            # two that are as likely as rounding may change places, and the last one give its place to another.
            before, others = ({one.id: one.before for one in each.candidates} for each in (mine, theirs))
            shared = sorted(before.keys() & others.keys())
            assert len(shared) >= len(before) - 1
            assert [before[id] for id in shared] == pytest.approx([others[id] for id in shared], rel=1e-4)
            assert (len(mine.lens), len(mine.attention)) == (len(theirs.lens), len(theirs.attention))


def test_several_are_read_in_one_step(decoder, monkeypatch):
    """Whoever comes is there from the next step on."""
    sizes: list[int] = []
    step = decoder._program.step
    monkeypatch.setattr(decoder._program, "step", lambda rows, *rest: sizes.append(len(rows)) or step(rows, *rest))

    def read(number: int) -> None:
        own = decoder.beside()
        own.read([number, 5])
        for token in range(40):
            own.read([token])
        own.leave()

    _at_once([lambda number=number: read(number) for number in range(4)])
    assert sum(sizes) == 160
    assert max(sizes) == 4 and len(sizes) < 120


def test_nobody_waits_long_for_one_who_does_not_come(decoder):
    idle, busy = decoder.beside(), decoder.beside()
    idle.read([1, 2])
    busy.read([1, 2])
    _at_once([lambda: idle.read([3]), lambda: busy.read([3])])
    for token in range(30):
        busy.read([token])
    assert busy.length == 33 and idle.length == 3
    idle.read([4])
    assert idle.length == 4
    idle.leave()
    busy.leave()
