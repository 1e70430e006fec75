"""Where should I cut? A linear probe behind every block of a frozen backbone, pretrained and random. Knows no pages.

After J. Yosinski et al., How transferable are features in deep neural networks?, 2014, https://arxiv.org/abs/1411.1792,
and G. Alain and Y. Bengio, Understanding intermediate layers using linear classifier probes, 2016,
https://arxiv.org/abs/1610.01644. In a notebook:

    from tl_core.images.data.split import DataConfig
    from tl_core.labs.cut import found, material
    from tl_core.labs.cut.config import CutConfig
    from tl_core.labs.cut.training import probe

    config = CutConfig(DataConfig(dataset.id))
    trials = list(probe(config, material.load(config)))
    print(found.best(found.curve(config, trials, "pretrained")))
"""
