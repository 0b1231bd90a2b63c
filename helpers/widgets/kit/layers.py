"""Run a net on one picture and keep what its layers give, without touching the net."""

from dataclasses import dataclass

from torch import Tensor, nn

from helpers.drawing import svg
from helpers.inside.layers import in_front, lying_last, quiet_copy, run, watch

__all__ = ["Layer", "check_arguments", "larger_units", "limits_of", "quiet_copy", "record", "run", "weights_of"]


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


def record(net, X):
    """Return (output, list of `Layer`) for one picture X (1, C, H, W): the modules without children, as they run.

    Maps (1, H, W, C), as in Swin, are turned to (C, H, W). Raises ValueError where the net does not take X or a layer's
    output is no (1, C, H, W) or (1, features).
    """
    twin = quiet_copy(net)
    output, calls = watch(twin, X)
    last = lying_last(twin, X, calls)
    layers = [
        Layer(call.name, type(call.module).__name__, _one_picture(in_front(call, last), call.name))
        for call in calls
        if not any(call.module.children())
    ]
    if not layers:
        raise ValueError("no layer of the net gave a tensor: there is nothing to show")
    return output, layers


def weights_of(net):
    """Return what tells whether a net is the one it was: it differs after any change of a weight or of a statistic."""
    return [(id(tensor), tensor.data_ptr(), tensor._version) for tensor in (*net.parameters(), *net.buffers())]


def _one_picture(output, name):
    """Bring an output (1, C, H, W) to (C, H, W), and (1, features) or (1, C, 1, 1) to (features,), on the CPU."""
    if output.ndim not in (2, 4) or len(output) != 1:
        raise ValueError(f"layer {name} gives shape {tuple(output.shape)} for one picture, not (1, C, H, W) or "
                         "(1, features)")  # fmt: skip
    flat = output.ndim == 4 and output.shape[2:] == (1, 1)
    return output[0].cpu().reshape(-1 if flat else output.shape[1:])


def limits_of(values):
    """Return the smallest and the largest of some values in words."""
    return svg.number(float(values.min())), svg.number(float(values.max()))


def larger_units(values, unit):
    """Return how many of a dense layer's values (features,) are larger than that of the unit, in words."""
    larger = int((values > values[unit]).sum())
    return f"{larger or 'no'} unit{'s are' if larger > 1 else ' is'} larger"
