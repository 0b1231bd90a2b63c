"""measured_field of nets that cannot be followed: against every pixel changed in turn."""

import pytest
import torch
import torchvision
from torch import nn

from helpers import receptive_field
from helpers.inside import measured_field

from ..anatomy.test_reach import UNKNOWN, Excited, Mixed


def moved(net, layer, side, position, channels=1):
    """(H, W): whether the output of `layer` at `position` changes where one pixel of noise does, in float64."""
    net, kept, place = net.double().eval(), {}, (0, slice(None), *position)
    hook = net.get_submodule(layer).register_forward_hook(lambda _, __, Y: kept.update(Y=Y[place]))
    X = torch.randn(1, channels, side, side, dtype=torch.float64)
    field = torch.zeros(side, side, dtype=torch.bool)
    with torch.no_grad():
        net(X)
        before = kept["Y"]
        for row in range(side):
            for column in range(side):
                changed = X.clone()
                changed[:, :, row, column] += 1
                net(changed)
                field[row, column] = not torch.equal(kept["Y"], before)
    hook.remove()
    return field


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("position", [(0, 0), (3, 4)])
def test_what_cannot_be_followed_is_measured(name, position):
    net = nn.Sequential(UNKNOWN[name])
    field = measured_field(net, (1, 1, 8, 8), "0", positive=True, position=position) > 0
    assert torch.equal(field, moved(net, "0", 8, position))


class Chooses(nn.Module):
    """Takes the largest, the difference, or what is switched off: each hides a path from the gradient."""

    def __init__(self, way):
        super().__init__()
        self.way, self.conv = way, nn.Conv2d(1, 2, 3, padding=1)

    def forward(self, X):
        Y = self.conv(X)
        ways = {
            "amax": lambda: Y + Y.amax((2, 3), keepdim=True), "max": lambda: Y + Y.max(3, keepdim=True).values,
            "largest of all": lambda: Y + Y.max(), "maximum": lambda: torch.maximum(Y, X), "difference": lambda: Y - X,
            "detached": lambda: Y + X.amin(2, keepdim=True).detach(), "rounded": lambda: (8 * Y).round(),
            "clamped": lambda: (Y - 5).clamp(min=0), "softmax": lambda: Y.softmax(dim=-1),
            "where": lambda: torch.where(Y > Y.mean(), X, Y), "median": lambda: Y + Y.median(3, keepdim=True).values,
            "median of all": lambda: Y + Y.median(), "sort": lambda: Y.sort(dim=2).values,
            "third": lambda: Y + torch.kthvalue(Y, 3, 2, True).values, "top": lambda: Y + Y.topk(1, 3).values,
            "spread": lambda: Y + Y.std((2, 3), keepdim=True), "variance": lambda: Y * Y.var(3, keepdim=True),
            "both": lambda: Y * torch.var_mean(Y, dim=2, keepdim=True)[0],
            "of unit length": lambda: nn.functional.normalize(Y),
        }  # fmt: skip
        return ways[self.way]()


COUNTS = {"amax": 144, "max": 36, "largest of all": 144, "maximum": 9, "difference": 9, "detached": 9 + 9, "rounded": 9,
          "clamped": 9, "softmax": 36, "where": 9, "median": 36, "median of all": 144, "sort": 36, "third": 36,
          "top": 36,
          "spread": 144, "variance": 36, "both": 36, "of unit length": 9}  # fmt: skip


@pytest.mark.parametrize("way", COUNTS)
def test_no_path_hides(way):
    field = measured_field(nn.Sequential(Chooses(way)), (1, 1, 12, 12), "0", positive=True, position=(5, 5)) > 0
    assert int(field.sum()) == COUNTS[way] and field[4:7, 4:7].all()


def test_a_fourier_transform_is_refused_where_its_field_would_not_show():
    class Filters(nn.Module):
        def __init__(self):
            super().__init__()
            self.gain = nn.Parameter(torch.randn(8, 5))

        def forward(self, X):
            return torch.fft.irfft2(torch.fft.rfft2(X) * self.gain, s=X.shape[2:])

    assert (measured_field(Filters(), (1, 1, 8, 8), "net", num=2) > 0).all()
    with pytest.raises(ValueError, match="leave positive out"):
        measured_field(Filters(), (1, 1, 8, 8), "net", positive=True)


def test_a_difference_that_cancels_is_seen():
    class Nothing(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 1)

        def forward(self, X):
            return X - self.conv(X)

    field = measured_field(Nothing(), (1, 1, 4, 4), "net", positive=True, position=(1, 2)) > 0
    assert field.sum() == 1 and field[1, 2]


@pytest.mark.parametrize("name, layer", [("shufflenet_v2_x0_5", "stage2.0"), ("mobilenet_v3_small", "features.1")])
def test_torchvisions_nets_that_receptive_field_refuses(name, layer):
    net = torchvision.models.get_model(name, weights=None).eval()
    with pytest.raises(ValueError, match="measured_field"):
        receptive_field(net, (1, 3, 48, 48))
    field = measured_field(net, (1, 3, 48, 48), layer, positive=True, position=(1, 2)) > 0
    if name.startswith("mobilenet"):
        assert field.all(), "squeeze and excite sees the whole picture"
    else:
        assert 0 < field.sum() < field.numel() and torch.equal(field, torch.outer(field.any(1), field.any(0)))


def test_sequences_need_the_index_of_an_element():
    net = nn.Sequential(nn.Conv2d(1, 4, 2, 2), nn.Flatten(2))
    with pytest.raises(ValueError, match=r"shape \(16, 4, 16\).*say unit and position"):
        measured_field(net, (1, 1, 8, 8), "1")
    field = measured_field(net, (1, 1, 8, 8), "1", unit=3, position=(5,)) > 0
    assert field.sum() == 4 and field[2:4, 2:4].all()


def test_excited_and_mixed_are_what_their_names_say():
    ways = ("shuffle", "attention", "chunk", "channels last")
    for net in (*map(Excited, ("mean", "view", "1x1")), *map(Mixed, ways)):
        assert net(torch.zeros(1, 1, 8, 8)).shape == (1, 4, 8, 8)
