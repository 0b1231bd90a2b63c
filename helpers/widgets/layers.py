"""Run a net on one picture and keep what its layers give, without touching the net."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..guards import clear_errors


@dataclass(frozen=True)
class Layer:
    """What one layer gave for one picture: `output` is (C, H, W), or (features,) after a dense layer."""

    name: str  # as in net.named_modules(); " (2)" behind it where the same module runs a second time
    kind: str
    output: Tensor

    @property
    def title(self):
        """How code names this layer: net[3] in an nn.Sequential, else its name."""
        return f"net[{self.name}]" if self.name.isdigit() else self.name

    @property
    def shape(self):
        """The output's shape in words: 6×28×28."""
        return "×".join(map(str, self.output.shape))


def check_arguments(net, test_iter):
    """Raise TypeError unless these are a net and a loader of the course, in this order; ValueError for a lazy net."""
    if not isinstance(net, nn.Module):
        raise TypeError(f"the first argument must be a net (nn.Module), not {type(net).__name__}")
    if not hasattr(test_iter, "batch") or not hasattr(test_iter, "to_pixels"):
        raise TypeError(
            f"the second argument must be the test_iter of load_data_fashion_mnist, not {type(test_iter).__name__}"
        )
    if any(nn.parameter.is_lazy(weight) for weight in net.parameters()):
        raise ValueError("the net has lazy layers, which have no weights before their first batch: run net(X) once")


def quiet_copy(net):
    """Return a copy of `net` in eval mode that shares its weights; what is done to the copy leaves the net alone."""
    shared = {id(tensor): tensor for tensor in (*net.parameters(), *net.buffers())}
    return copy.deepcopy(net, shared).eval()


def run(net, X):
    """Return net(X) without gradients, X moved to the net's device; a net that X does not fit raises ValueError."""
    device = next((tensor.device for tensor in net.parameters()), X.device)
    with torch.no_grad(), clear_errors(net, X):
        return net(X.to(device))


def record(net, X):
    """Return a list of `Layer` for one picture X (1, C, H, W): the modules without children, as they run.

    Raises ValueError where the net does not take X or a layer's output is no (N, C, H, W) or (N, features).
    """
    net, layers, runs = quiet_copy(net), [], {}

    def keep(module, output, name):
        if isinstance(output, Tensor):
            runs[name] = runs.get(name, 0) + 1
            title = name if runs[name] == 1 else f"{name} ({runs[name]})"
            layers.append(Layer(title, type(module).__name__, _one_picture(output, title)))

    for name, module in net.named_modules():
        if not any(module.children()):
            module.register_forward_hook(lambda module, _, output, name=name or "net": keep(module, output, name))
    run(net, X)
    if not layers:
        raise ValueError("no layer of the net gave a tensor: there is nothing to show")
    return layers


def _one_picture(output, name):
    """Copy an output (1, C, H, W) to (C, H, W), and (1, features) or (1, C, 1, 1) to (features,)."""
    if output.ndim not in (2, 4):
        raise ValueError(f"layer {name} gives shape {tuple(output.shape)}, not (N, C, H, W) or (N, features)")
    flat = output.ndim == 4 and output.shape[2:] == (1, 1)
    return output[0].detach().clone().cpu().reshape(-1 if flat else output.shape[1:])
