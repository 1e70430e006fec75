"""Write with a model's folder as somebody does who has nothing else: a program of its own, without this project.

    python -m tests.tasks.text_generation.elsewhere keras_hub=FOLDER transformers=FOLDER ...  (texts as JSON)

KerasHub does what the folder's card says; of transformers, tokenizer and config read the folder, and the equations
write with their ids and sizes.
"""

import contextlib
import io
import json
import os
import re
import sys
from pathlib import Path

from tests.tasks.text_generation import reference

PROMPT, LENGTH = "Once upon a time", 40  # as in the card; KerasHub's length counts the prompt and the token before it


def with_keras_hub(folder: Path) -> str:
    """What the card's code prints."""
    code = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL).group(1)
    names, said = {}, io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(said):
        exec(compile(code, "README.md", "exec"), names)
    model = names["model"]
    assert model.preprocessor.sequence_length == model.backbone.max_sequence_length
    return said.getvalue().removesuffix("\n")


def with_transformers(folder: Path) -> str:
    """What the equations write greedily with the ids of transformers' tokenizer and the sizes of its config."""
    import transformers
    from safetensors.numpy import load_file

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    config = transformers.AutoConfig.from_pretrained(folder)
    weights = load_file(folder / "model.safetensors")
    assert tokenizer.eos_token_id == config.eos_token_id and tokenizer.model_max_length == config.n_positions
    ids = tokenizer(tokenizer.eos_token + PROMPT)["input_ids"]
    while len(ids) < LENGTH and (len(ids) < 6 or ids[-1] != config.eos_token_id):
        ids.append(int(reference.logits(weights, config.n_layer, config.n_head, ids)[-1].argmax()))
    return tokenizer.decode(ids, skip_special_tokens=True)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    readers = {"keras_hub": with_keras_hub, "transformers": with_transformers}
    asked = [argument.split("=", 1) for argument in sys.argv[1:]]
    print(json.dumps([readers[reader](Path(place)) for reader, place in asked]))
