"""How much of the picture a layer of any net sees: followed through its layers, or measured by gradients."""

import contextlib
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations
from torch.overrides import TorchFunctionMode

from helpers.anatomy import Field, receptive_field
from helpers.anatomy.copies import each_tensor, quiet_copy, tensors_in, zeros_for
from helpers.training.advice import check_module

from .layers import channels_last, device_of, find_layer, first_tensor, tap, whole, with_gradients

# What `measured_field` lets pass unchanged: functions that keep the shape and do not look at neighbours.
PASSED_ON = set(
    "relu relu6 leaky_relu prelu rrelu elu selu celu gelu silu mish sigmoid hardsigmoid logsigmoid tanh hardtanh "
    "hardswish softplus softsign softshrink hardshrink tanhshrink threshold dropout dropout1d dropout2d alpha_dropout "
    "batch_norm instance_norm group_norm layer_norm rms_norm local_response_norm normalize "
    "detach clamp clamp_min clamp_max clip round floor ceil trunc sign".split()
)
OVER_AN_AXIS = ("softmax", "log_softmax", "softmin")  # each element sees all along the axis
LARGEST = ("amax", "amin", "max", "min", "median", "nanmedian")  # and the largest of them is any of them
ORDERED = {"sort": 1, "topk": 2, "kthvalue": 2}  # so is each that comes out; where among the arguments the axis stands
SPREAD = ("std", "var", "std_mean", "var_mean")  # on a picture without a structure nothing moves it
TOGETHER = ("sub", "maximum", "minimum", "max", "min")  # of two tensors: seen is what either sees


@torch.inference_mode(False)
@torch.enable_grad()
def measured_field(
    net: nn.Module, input_shape: Sequence, layer: str | nn.Module, *, unit: int | None = None,
    position: tuple[int, int] | None = None, num: int = 16, positive: bool = False, seed: int = 0,
) -> Tensor:  # fmt: skip
    """Return (H, W): how strongly each pixel of an input (1, C, H, W) moves one output of `layer`.

    That is |d output / d input|, summed over the input's channels and averaged over `num` pictures of normal random
    numbers from `seed`: the effective receptive field (Luo et al. 2016). The output is that of `unit`, by default the
    sum over all units, at `position` (row, column), by default in the middle of the map. Of several inputs, given by
    a tuple or dict of shapes, it is the first picture's. Maps with their channels last, (N, H, W, C), are taken as
    what they are; for outputs with other axes say both `unit` and `position`, the index of one element.

    With `positive`, a copy is measured in which no path can hide or cancel: every weight is positive and every bias
    0, max pooling and softmax take the mean, activations and normalisations pass on what they get. Above 0 then lies
    exactly what the output can see, whatever the weights are. Raises ValueError for a position or unit that is not
    there, and for an output that does not depend on the pixels.
    """
    check_module(net)
    if positive:
        X, output = _positive_run(net, input_shape, layer)
    else:
        generator = torch.Generator().manual_seed(seed)
        shapes = zeros_for(nn.Identity(), input_shape)
        X = each_tensor(shapes, lambda part: torch.randn((num, *part.shape[1:]), generator=generator))
        X = with_gradients(each_tensor(X, lambda part: part.to(device_of(net, part))))
        output = _maps(tap(net, layer), X)
    if output.ndim not in (2, 4) and (unit is None or position is None):
        raise ValueError(f"the layer gives shape {tuple(output.shape)}, neither (N, C, H, W) nor (N, F): say unit and "
                         "position, the index of the one element to measure")  # fmt: skip
    places = output.shape[2:]
    if position is not None and not isinstance(position, (tuple, list)):
        raise TypeError(f"position is {repr(position)[:60]}, must be (row, column)")
    position = tuple(n // 2 for n in places) if position is None or not places else tuple(position)
    return _gradient(X, output, slice(None) if unit is None else unit, position).cpu()


def _maps(listen, X):
    """What the layer gives for X, (N, C, H, W) where its channels are last."""
    output = listen(X, grad=True)[1]
    return output.permute(0, 3, 1, 2) if channels_last(listen, X, output) else output


def _gradient(X, output, unit, position):
    """|d output[:, unit, *position] / d X| as (H, W): the mean over pictures, the sum over channels."""
    places = output.shape[2:]
    position = tuple(whole(i, "each number of position") for i in position)
    if len(position) != len(places) or any(not 0 <= i < n for i, n in zip(position, places, strict=True)):
        raise ValueError(f"position is {tuple(position)}, the layer's map has the shape {tuple(places)}")
    if not isinstance(unit, slice) and not 0 <= whole(unit, "unit") < output.shape[1]:
        raise ValueError(f"unit is {unit}, the layer has the units 0 to {output.shape[1] - 1}")
    picture = next((part for part in tensors_in(X) if part.ndim == 4), first_tensor(X))
    chosen, gradient = output[(slice(None), unit, *position)].sum(), None
    if chosen.requires_grad:
        (gradient,) = torch.autograd.grad(chosen, picture, retain_graph=True, allow_unused=True)
    if gradient is None:
        raise ValueError("the layer does not depend on the pixels, or the net switches gradients off on the way to it: "
                         "there is no field to measure")  # fmt: skip
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
        for row in receptive_field(net, input_shape):
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
    net = quiet_copy(net, _own_double)
    for module in list(net.modules()):
        for weight in list(getattr(module, "parametrizations", ())) if is_parametrized(module) else ():
            remove_parametrizations(module, weight)
    for title, tensor in (*net.named_parameters(), *net.named_buffers()):
        if tensor.is_floating_point():
            zero = tensor.ndim < 2 and title.endswith(("bias", "mean"))
            tensor.data.fill_(0 if zero else 1 / (tensor[:1].numel() if tensor.ndim else 1))
    X = each_tensor(zeros_for(nn.Identity(), input_shape), lambda part: torch.ones(1, *part.shape[1:]).double())
    X = with_gradients(X)
    with _Linear():
        return X, _maps(tap(net, f"{name or 'net'} ({number})"), X)


def _own_double(tensor):
    """A copy of a tensor on the CPU, its numbers as float64."""
    twin = tensor.detach().clone().cpu()
    twin = twin.double() if twin.is_floating_point() else twin
    return nn.Parameter(twin, twin.is_floating_point()) if isinstance(tensor, nn.Parameter) else twin


class _Linear(TorchFunctionMode):
    """While it is open, nothing hides: what chooses among its inputs takes their mean, what bends them passes them on.

    Chosen among: max pooling, the largest along an axis, softmax. Bent: by activations, normalisation, dropout.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs, name = kwargs or {}, getattr(func, "__name__", "").strip("_")
        X, second = (*args, None, None)[:2] if args else (kwargs.get("input"), None)
        if name in PASSED_ON:
            return X
        if name in TOGETHER and isinstance(second, Tensor):
            return X + second
        if name in OVER_AN_AXIS:
            dim = second if isinstance(second, int) else kwargs.get("dim", 1)
            return X.mean(1 if dim is None else dim, keepdim=True).expand_as(X)
        if name in LARGEST and X.is_floating_point():
            return _mean_along(func, X, *args[1:], **kwargs)
        if name in ORDERED:
            return _mean_for_each(func, args, kwargs, ORDERED[name])
        if name in SPREAD:
            mean = _mean_of(X, *args[1:], **kwargs)
            return (mean, mean) if name.endswith("mean") else mean
        if name == "where" and len(args) == 3 and any(isinstance(part, Tensor) for part in args[1:]):
            return 0 * func(*args) + args[1] + args[2]
        if name.startswith("fft_"):
            raise ValueError("what a Fourier transform lets an output see does not show in a net with positive "
                             "weights: leave positive out")  # fmt: skip
        if name.startswith("max_pool") and isinstance(first_tensor(args), Tensor):
            return _mean_pool(*args, **kwargs)
        if name.startswith("adaptive_max_pool2d"):
            return F.adaptive_avg_pool2d(args[0], args[1])
        return func(*args, **kwargs)


def _mean_along(func, X, dim=None, keepdim=False, **_):
    """The mean where a function takes the largest or smallest along `dim`; its places stay."""
    if dim is None or dim == ():
        return X.mean()
    mean, found = X.mean(dim, keepdim=keepdim), func(X, dim, keepdim)
    return mean if isinstance(found, Tensor) else type(found)((mean, found.indices))


def _mean_for_each(func, args, kwargs, place):
    """The mean along the axis for each number that a function picks by its rank along it, at `place` in args."""
    found, X = func(*args, **kwargs), args[0]
    dim = kwargs.get("dim", args[place] if len(args) > place else -1)
    mean = X.mean(dim, keepdim=found[0].ndim == X.ndim).expand(found[0].shape)
    return type(found)((mean, found[1]))


def _mean_of(X, dim=None, *rest, keepdim=False, **_):
    """The mean where torch.var with these arguments takes the variance."""
    dim = None if isinstance(dim, bool) else dim
    return X.mean() if dim is None else X.mean(dim, keepdim=rest[1] if len(rest) > 1 else keepdim)


def _mean_pool(X, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The mean where F.max_pool2d with these arguments takes the maximum."""
    if dilation in (1, (1, 1), [1, 1]):
        return F.avg_pool2d(X, kernel_size, stride, padding, ceil_mode)
    k = (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
    K = torch.full((X.shape[-3], 1, *k), 1 / (k[0] * k[1]), dtype=X.dtype, device=X.device)
    return F.conv2d(X, K, None, stride or k, padding, dilation, X.shape[-3])
