"""GPT-2 in NumPy, float64, straight from its papers: slow, plain, and sharing no code with the product."""

import numpy as np


def logits(weights: dict[str, np.ndarray], layers: int, heads: int, tokens: list[int]) -> np.ndarray:
    """What follows each token: [time, vocabulary]."""
    return last(weights, blocks(weights, layers, heads, tokens)[0][-1])


def last(weights: dict[str, np.ndarray], hidden: np.ndarray) -> np.ndarray:
    """Logits of a block's output: the last normalisation, then the token embedding (the logit lens for any block)."""
    return norm(hidden, weights["ln_f.weight"], weights["ln_f.bias"]) @ weights["wte.weight"].T.astype(float)


def blocks(weights, layers, heads, tokens):
    """Outputs of embeddings and every block [1 + layers, time, width], attention [layers, heads, time, time]."""
    w = {name: value.astype(np.float64) for name, value in weights.items()}
    time = len(tokens)
    x = w["wte.weight"][tokens] + w["wpe.weight"][:time]
    outputs, attentions = [x], []
    for i in range(layers):
        p = f"h.{i}."
        joined = (
            norm(x, w[p + "ln_1.weight"], w[p + "ln_1.bias"]) @ w[p + "attn.c_attn.weight"] + w[p + "attn.c_attn.bias"]
        )
        mixed, own = [], []
        for q, k, v in zip(*(np.split(part, heads, 1) for part in np.split(joined, 3, 1)), strict=True):
            scores = q @ k.T / np.sqrt(q.shape[1])
            scores[np.triu_indices(time, 1)] = -np.inf  # nobody looks ahead
            attention = softmax(scores)
            own.append(attention)
            mixed.append(attention @ v)
        x = x + np.concatenate(mixed, 1) @ w[p + "attn.c_proj.weight"] + w[p + "attn.c_proj.bias"]
        inner = norm(x, w[p + "ln_2.weight"], w[p + "ln_2.bias"]) @ w[p + "mlp.c_fc.weight"] + w[p + "mlp.c_fc.bias"]
        inner = 0.5 * inner * (1 + np.tanh(np.sqrt(2 / np.pi) * (inner + 0.044715 * inner**3)))
        x = x + inner @ w[p + "mlp.c_proj.weight"] + w[p + "mlp.c_proj.bias"]
        outputs.append(x)
        attentions.append(own)
    return np.array(outputs), np.array(attentions)


def norm(x, gain, bias):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-5) * gain + bias


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)
