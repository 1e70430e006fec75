"""Tokenizers in GPT-2's format: byte-level BPE in vocab.json and merges.txt; no text is unknown to it."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

END = "<|endoftext|>"


def train(texts: Iterable[str], size: int = 4096) -> Tokenizer:
    """Learn a byte-level BPE of `size` tokens, the 256 bytes (first) and `<|endoftext|>` (last) among them.

    The end has GPT-2's own place. It must not be id 0: KerasHub pads with that one, and would take padding for an end.

    Source: Sennrich, Haddow & Birch 2016 (https://arxiv.org/abs/1508.07909); bytes as GPT-2 has them, Radford et al.
    2019.
    """
    tokenizer = _byte_level(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=size - 1,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([END])
    return tokenizer


def save(tokenizer: Tokenizer, folder: Path) -> None:
    """Write vocab.json and merges.txt as GPT-2's own are written."""
    folder.mkdir(parents=True, exist_ok=True)
    state = json.loads(tokenizer.to_str())["model"]
    vocabulary = state["vocab"] | {END: tokenizer.token_to_id(END)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    merges = "".join(f"{' '.join(pair)}\n" for pair in state["merges"])
    (folder / "merges.txt").write_text("#version: 0.2\n" + merges, encoding="utf-8")


def load(folder: Path) -> Tokenizer:
    """Read vocab.json and merges.txt."""
    tokenizer = _byte_level(models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt")))
    tokenizer.add_special_tokens([END])
    return tokenizer


def encode(tokenizer: Tokenizer, text: str) -> list[int]:
    """Token ids of `text`; `<|endoftext|>` in it is one token."""
    return tokenizer.encode(text).ids


def decode(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    """The text of `ids`; bytes that are no UTF-8 yet become U+FFFD."""
    return tokenizer.decode(list(ids), skip_special_tokens=False)


def _byte_level(model: models.BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def hex_bytes(tokenizer: Tokenizer, token: int) -> str:
    """The bytes of a token as "<E7 8B>": for tokens that are no whole characters."""
    return f"<{' '.join(f'{_BYTES[letter]:02X}' for letter in tokenizer.id_to_token(token) or '')}>"


def _byte_letters() -> dict[str, int]:
    """GPT-2's letters for bytes: printable ones stand for themselves, the others follow from U+0100 on."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + index): byte for index, byte in enumerate(others)}


_BYTES = _byte_letters()
