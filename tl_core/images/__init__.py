"""The modality of pictures: data, decoding, augmentation and pretrained backbones. Knows no task and no run."""
