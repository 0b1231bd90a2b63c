"""What a lesson asks of its live picture can be answered on its page: the states are in the table."""

import pytest

from helpers.course.lessons import LESSONS

FIELDS = {"kernel_size": 3, "stride": 1, "dilation": 1}
# Lesson and kind of picture; what the reader has set when a question can be answered.
QUESTIONS = [
    ("02", "KernelLearner", *({"steps": 50, "lr": lr} for lr in (0.005, 0.028, 0.033, 0.034))),
    ("02", "KernelExplorer", *({"operation": operation, "preset": name} for name in ("Sobel x", "Laplacian", "Gaussian")
                               for operation in ("convolution", "cross-correlation"))),
    ("03", "PaddingExplorer", *({"size": 8, "kernel_size": 3, "padding": 0, "stride": step} for step in (1, 2, 3, 4)),
     {"size": 8, "kernel_size": 3, "stride": 2, "padding": 1}),
    ("03", "ReceptiveFieldBuilder", *({**FIELDS, "count": count, "layer": count} for count in (4, 5, 6, 7, 8)),
     {**FIELDS, "kernel_size": 2, "layer": 2}, {**FIELDS, "count": 4, "dilation": 8}),
    ("04", "ChannelWalk", {"output": 1}, {"in_channels": 3}),
    ("04", "ChannelMixer", {"preset": "swap red, blue"}, {"preset": "negative"}),
    ("04", "CostCalculator", {"kind": "depthwise-separable", "kernel_size": 1},
     {"kind": "depthwise-separable", "out_channels": 1}, {"kind": "grouped", "in_channels": 512, "out_channels": 511}),
    ("05", "PoolingExplorer", *({"pool_size": size} for size in (1, 2, 4)), {"shift": 0}, {"shift": 2},
     *({"picture_name": "photo's edges", "pool_size": 4, "shift": 3, "stride": stride} for stride in (1, 2, 3, 4)),
     *({"picture_name": "stripes", "stride": 2, "shift": shift} for shift in (1, 2, 3, 4))),
    ("06", "Im2colExplorer", {"kernel_size": 3, "padding": 1, "stride": 3}, {"channels": 2, "images": 2},
     {"size": 5, "stride": 2, "pixel": 24}),
    ("08", "AugmentationExplorer", {"crop": [0.1, 1.0]}, {"rotation": [-180.0, 180.0]},
     {"picture_name": "flower", "hue": [-0.5, 0.5]}),
    ("09", "VGGBuilder", {f"convs{block}": 0 for block in (5, 4, 3, 2, 1)},
     {**{f"channels{block}": full for block, full in enumerate((64, 128, 256, 512, 512), 1)}, "hidden": 4096}),
    ("11", "InceptionExplorer", {"reduce3": 165}, {"size": 56}),
    ("12", "BatchNormExplorer", {"mode": "eval", "seen": 0, "shift": -4.0},
     *({"mode": "eval", "seen": seen} for seen in (22, 44)),
     {"mode": "eval", "momentum": 0.5, "seen": 7}, {"batch_size": 4, "momentum": 1.0, "seen": 60},
     {"batch_size": 4, "momentum": 0.0}, {"batch_size": 2}, {"batch_size": 1}, {"gamma": -1.0}),
    ("13", "DepthLab", *({"batch_norm": False, "blocks": blocks} for blocks in (1, 15, 24)),
     {"skip": True, "blocks": 24}),
]  # fmt: skip


@pytest.mark.parametrize("number, kind, asked", [(number, kind, asked) for number, kind, *asked in QUESTIONS])
def test_the_questions_of_a_lesson_are_answered_by_its_page(site, number, kind, asked):
    page = next(page for page in site.pages if page.stem == LESSONS[int(number)].stem)
    table = page.tables[[key for key, made in page.kinds.items() if made == kind][-1]]
    states = [dict(zip(table.names, values, strict=True)) for values, _ in table.states]
    start = {name: states[0][name] for name in table.options}
    for settings in asked:
        for name in {"preset", "block"} - set(settings):  # the widget calls what was changed "own"
            start.pop(name, None)
        assert any(start | settings == {name: state[name] for name in start | settings} for state in states), settings
