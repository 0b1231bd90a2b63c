"""torchvision's classifiers without weights, and who counts their multiply-adds besides us."""

import contextlib

import pytest
import torch
import torchvision
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from helpers.anatomy import describe_net

FAMILIES = ("alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "googlenet", "inception_v3", "maxvit_t",
            "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small", "regnet_y_400mf", "resnet50", "resnext50_32x4d",
            "shufflenet_v2_x0_5", "squeezenet1_1", "swin_t", "swin_v2_t", "vgg11_bn", "vit_b_32",
            "wide_resnet50_2")  # fmt: skip


def classifiers() -> list[str]:
    """Return the names of all of them."""
    return torchvision.models.list_models(module=torchvision.models)


def build(name: str) -> torch.nn.Module:
    """Return the net in evaluation mode, on the meta device where it can be built there."""
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    device = contextlib.nullcontext() if name.startswith("regnet") else torch.device("meta")
    with device:
        net = torchvision.models.get_model(name, weights=None, **options)
    return net.to("meta").eval()


def flops(net: torch.nn.Module, shape: tuple[int, ...]) -> int:
    """Return what torch's own counter says, attention taken apart into its products."""
    with FlopCounterMode(display=False) as counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        net(torch.zeros(shape, device="meta"))
    return counter.get_total_flops()


def check_counts(name: str) -> None:
    """Hold describe_net to torch's counter, and to the numbers that torchvision publishes with its weights."""
    net, side = build(name), 299 if name == "inception_v3" else 224
    table = describe_net(net, (1, 3, side, side))
    assert 2 * table.multiply_adds == flops(net, (1, 3, side, side)) > 0 and table.uncounted == []
    assert table.params == sum(row.params for row in table) == sum(p.numel() for p in net.parameters())
    for weights in torchvision.models.get_model_weights(name):
        if weights.transforms.keywords["crop_size"] == side:
            assert table.multiply_adds / 1e9 == pytest.approx(weights.meta["_ops"], abs=0.0006)
