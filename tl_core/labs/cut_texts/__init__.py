"""Where should I cut an encoder? The probes of `tl_core.labs.cut` behind every block, on texts. Knows no pages.

After G. Alain and Y. Bengio, Understanding intermediate layers using linear classifier probes, 2016,
https://arxiv.org/abs/1610.01644, and I. Tenney et al., BERT Rediscovers the Classical NLP Pipeline, 2019,
https://arxiv.org/abs/1905.05950. In a notebook:

    from tl_core.labs.cut import found
    from tl_core.labs.cut_texts import material
    from tl_core.labs.cut_texts.config import CutTextsConfig
    from tl_core.labs.cut_texts.training import probe
    from tl_core.text.data.labelled import DataConfig

    config = CutTextsConfig(DataConfig(dataset.id))
    trials = list(probe(config, material.load(config)))
    print(found.best(found.curve(config, trials, "pretrained")))
"""
