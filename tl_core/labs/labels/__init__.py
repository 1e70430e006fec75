"""Whose label is wrong? Suspects by out-of-fold confidence on frozen features; what cleaning is worth. Knows no pages.

After C. Northcutt, L. Jiang and I. Chuang, Confident learning, 2021, https://arxiv.org/abs/1911.00068. In a notebook:

    from tl_core.images.data.split import DataConfig
    from tl_core.labs.labels import found, material
    from tl_core.labs.labels.config import LabelsConfig
    from tl_core.labs.labels.training import inspect

    config = LabelsConfig(DataConfig(dataset.id))
    trials = list(inspect(config, material.load(config)))
    print(found.caught(config, trials), found.accuracies(trials, "cleaned"))
"""
