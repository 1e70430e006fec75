"""The modality of text: corpora, tokenizers and pretrained language models. Knows no task and no run."""
