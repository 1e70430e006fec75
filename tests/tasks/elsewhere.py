"""Ask what was taken home, as somebody does who has nothing else: a program of its own, without this project.

    python -I elsewhere.py  (standard input: JSON [[reader, place, questions], ...]; standard output: the answers)

KerasHub does what the folder's card says; of transformers, tokenizer and config read the folder, and the equations
write with their ids and sizes.
"""

import contextlib
import importlib.util
import io
import json
import os
import re
import runpy
import sys
from pathlib import Path
from unittest import mock

PROMPT, LENGTH = "Once upon a time", 40  # as in the card; KerasHub's length counts the prompt and the token before it


def with_keras(place: Path, pictures: list[str]) -> list[list[float]]:
    """Probabilities of a picture, one after the other."""
    import keras
    import numpy as np
    from PIL import Image

    model = keras.models.load_model(place)
    return [model.predict(np.asarray(Image.open(each))[None], verbose=0)[0].tolist() for each in pictures]


def with_its_script(place: Path, texts: list[str]) -> list[list]:
    """What the program that lies beside the network says of texts: [text, probability of each class]."""
    said = io.StringIO()
    with mock.patch.object(sys, "argv", ["predict.py", *texts]), contextlib.redirect_stdout(said):
        runpy.run_path(str(place / "predict.py"))
    return [json.loads(line) for line in said.getvalue().splitlines() if line.startswith("[")]


def with_keras_hub(place: Path, questions: list[str]) -> str:
    """What the card's code prints."""
    code = re.search(r"```python\n(.*?)```", (place / "README.md").read_text(encoding="utf-8"), re.DOTALL).group(1)
    names, said = {}, io.StringIO()
    with contextlib.chdir(place), contextlib.redirect_stdout(said):
        exec(compile(code, "README.md", "exec"), names)
    model = names["model"]
    assert model.preprocessor.sequence_length == model.backbone.max_sequence_length
    return said.getvalue().removesuffix("\n")


def with_transformers(place: Path, questions: list[str]) -> str:
    """What the equations write greedily with the ids of transformers' tokenizer and the sizes of its config."""
    import transformers
    from safetensors.numpy import load_file

    logits = runpy.run_path(str(Path(__file__).parent / "text_generation" / "reference.py"))["logits"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(place)
    config = transformers.AutoConfig.from_pretrained(place)
    weights = load_file(place / "model.safetensors")
    assert tokenizer.eos_token_id == config.eos_token_id and tokenizer.model_max_length == config.n_positions
    ids = tokenizer(tokenizer.eos_token + PROMPT)["input_ids"]
    while len(ids) < LENGTH and (len(ids) < 6 or ids[-1] != config.eos_token_id):
        ids.append(int(logits(weights, config.n_layer, config.n_head, ids)[-1].argmax()))
    return tokenizer.decode(ids, skip_special_tokens=True)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    assert importlib.util.find_spec("tl_core") is None
    readers = {
        "keras": with_keras,
        "its script": with_its_script,
        "keras_hub": with_keras_hub,
        "transformers": with_transformers,
    }
    asked = json.load(sys.stdin)
    print(json.dumps([readers[reader](Path(place), questions) for reader, place, questions in asked]))
