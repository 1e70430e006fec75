"""Which source helps? Frozen networks on one target, ranked before anything is trained. Knows no pages.

After S. Kornblith, J. Shlens and Q. Le, Do better ImageNet models transfer better?, 2019,
https://arxiv.org/abs/1805.08974, and the papers named in `tl_core.labs.transferability`. In a notebook:

    from tl_core.images.data.split import DataConfig
    from tl_core.labs.sources import found, material
    from tl_core.labs.sources.config import SourcesConfig
    from tl_core.labs.sources.training import measure

    config = SourcesConfig(DataConfig(dataset.id))
    trials = list(measure(config, material.load(config)))
    print(found.rows(trials), found.held(trials, "logme"))
"""
