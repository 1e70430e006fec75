"""The benchmark of BatchNorm runs and compares; how fast it is depends on who else works."""

from tl_core.bench import images


def test_it_compares_the_three_uses_of_a_backbone(capsys):
    parser = images.argparse.ArgumentParser()
    images.add_arguments(parser)
    small = ["--backbones", "mobilenet_0.25", "--image-size", "128", "--batch", "2"]
    assert images.main(parser.parse_args(small)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [next(what for what in ("prediction", "fine-tuning", "from scratch") if what in line) for line in lines] == [
        "prediction",
        "fine-tuning",
        "from scratch",
    ]
    assert all(float(line.split("x")[0]) > 0 for line in lines)
