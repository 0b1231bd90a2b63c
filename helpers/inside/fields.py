"""How much of the picture a layer of any net sees: followed through its layers, or measured by gradients."""

import contextlib
import copy
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from helpers.anatomy import Field, receptive_field

from .layers import device_of, find_layer, first_tensor, quiet_copy, tap

# What `measured_field` lets pass unchanged: functions that keep the shape and do not look at neighbours.
PASSED_ON = set(
    "relu relu6 leaky_relu prelu rrelu elu selu celu gelu silu mish sigmoid hardsigmoid logsigmoid tanh hardtanh "
    "hardswish softplus softsign softshrink hardshrink tanhshrink threshold softmax log_softmax dropout dropout1d "
    "dropout2d alpha_dropout batch_norm instance_norm group_norm layer_norm rms_norm local_response_norm".split()
)


def measured_field(
    net: nn.Module, input_shape: Sequence[int], layer: str | nn.Module, *, unit: int | None = None,
    position: tuple[int, int] | None = None, num: int = 16, positive: bool = False, seed: int = 0,
) -> Tensor:  # fmt: skip
    """Return (H, W): how strongly each pixel of an input (1, C, H, W) moves one output of `layer`.

    That is |d output / d input|, summed over the input's channels and averaged over `num` pictures of normal random
    numbers from `seed`: the effective receptive field (Luo et al. 2016). The output is that of `unit`, by default the
    sum over all units, at `position` (row, column), by default in the middle of the map.

    With `positive`, a copy is measured in which no path can hide or cancel: every weight is positive and every bias
    0, max pooling takes the mean, activations and normalisations pass on what they get. Above 0 then lies exactly
    what the output can see, whatever the weights are. Raises ValueError for a position or unit that is not there.
    """
    if positive:
        X, output = _positive_run(net, input_shape, layer)
    else:
        X = torch.randn((num, *input_shape[1:]), generator=torch.Generator().manual_seed(seed))
        X = X.to(device_of(net, X)).requires_grad_()
        output = tap(net, layer)(X, grad=True)[1]
    places = output.shape[2:]
    position = tuple(n // 2 for n in places) if position is None or not places else tuple(position)
    return _gradient(X, output, slice(None) if unit is None else unit, position).cpu()


def _gradient(X, output, unit, position):
    """|d output[:, unit, *position] / d X| as (H, W): the mean over pictures, the sum over channels."""
    places = output.shape[2:]
    if len(position) != len(places) or any(not 0 <= i < n for i, n in zip(position, places, strict=True)):
        raise ValueError(f"position is {tuple(position)}, the layer's map has the shape {tuple(places)}")
    if isinstance(unit, int) and not 0 <= unit < output.shape[1]:
        raise ValueError(f"unit is {unit}, the layer has the units 0 to {output.shape[1] - 1}")
    chosen = output[(slice(None), unit, *position)].sum()
    (gradient,) = torch.autograd.grad(chosen, X, retain_graph=True)
    return gradient.abs().mean(0).sum(0)


def field_boxes(
    net: nn.Module, input_shape: Sequence[int], layer: str | nn.Module, positions: Sequence[tuple[int, int]],
    fields: dict[str, Field] | None = None,
) -> list[tuple[int, int, int, int]]:  # fmt: skip
    """Return (top, left, bottom, right), the last two not included, of what `layer` sees at each (row, column).

    In pixels of an input (1, C, H, W). Where `receptive_field` follows the net, a box may hang over the picture's
    edge; where it cannot, the box is measured by `measured_field` and ends there. `fields` are those of
    `followed_fields`, for whoever asks often.
    """
    name, number = find_layer(net, layer)
    fields = followed_fields(net, input_shape) if fields is None else fields
    field = fields.get(f"{name or 'net'} ({number})" if number > 1 else name or "net")
    if field is None:
        return _measured_boxes(net, input_shape, layer, positions)
    corners = [[o + i * s for o, i, s in zip(field.offset, place, field.stride, strict=True)] for place in positions]
    return [(top, left, top + field.size[0], left + field.size[1]) for top, left in corners]


def followed_fields(net: nn.Module, input_shape: Sequence[int]) -> dict[str, Field]:
    """Return what `receptive_field` says of each layer by its name as for `tap`; {} for a net it cannot follow."""
    count, fields = Counter(), {}
    with contextlib.suppress(ValueError):
        for row in receptive_field(quiet_copy(net), input_shape):
            count[row.name] += 1
            fields[f"{row.name} ({count[row.name]})" if count[row.name] > 1 else row.name] = row
    return fields


def _measured_boxes(net, input_shape, layer, positions):
    X, output = _positive_run(net, input_shape, layer)
    boxes = {}
    for place in dict.fromkeys(map(tuple, positions)):
        seen = _gradient(X, output, slice(None), place) > 0
        rows, columns = (axis.nonzero().flatten().tolist() or [0] for axis in (seen.any(1), seen.any(0)))
        boxes[place] = rows[0], columns[0], rows[-1] + 1, columns[-1] + 1
    return [boxes[tuple(place)] for place in positions]


def _positive_run(net, input_shape, layer):
    """One picture of ones and what the layer gives for it in a copy whose weights are all positive.

    Each sum of inputs is an average; float64, which not every accelerator has, holds the weakest path of a deep net.
    """
    name, number = find_layer(net, layer)
    net = copy.deepcopy(quiet_copy(net)).cpu().double()
    for title, tensor in (*net.named_parameters(), *net.named_buffers()):
        if tensor.is_floating_point():
            zero = tensor.ndim < 2 and title.endswith(("bias", "mean"))
            tensor.data.fill_(0 if zero else 1 / (tensor[:1].numel() if tensor.ndim else 1))
    X = torch.ones((1, *input_shape[1:]), dtype=torch.float64, requires_grad=True)
    with _Linear():
        return X, tap(net, f"{name or 'net'} ({number})")(X, grad=True)[1]


class _Linear(TorchFunctionMode):
    """While it is open, max pooling takes the mean; activations, normalisation and dropout pass on what they get."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs, name = kwargs or {}, getattr(func, "__name__", "").rstrip("_")
        if name in PASSED_ON:
            return args[0] if args else kwargs["input"]
        if name.startswith("max_pool") and isinstance(first_tensor(args), Tensor):
            return _mean_pool(*args, **kwargs)
        if name.startswith("adaptive_max_pool2d"):
            return F.adaptive_avg_pool2d(args[0], args[1])
        return func(*args, **kwargs)


def _mean_pool(X, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The mean where F.max_pool2d with these arguments takes the maximum."""
    if dilation in (1, (1, 1), [1, 1]):
        return F.avg_pool2d(X, kernel_size, stride, padding, ceil_mode)
    k = (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
    K = torch.full((X.shape[-3], 1, *k), 1 / (k[0] * k[1]), dtype=X.dtype, device=X.device)
    return F.conv2d(X, K, None, stride or k, padding, dilation, X.shape[-3])
