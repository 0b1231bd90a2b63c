"""Batch normalisation from scratch, equal to PyTorch's layers (book, section 7.5)."""

import numbers

import torch
from torch import Tensor, nn

from .blocks import positive


def batch_norm(
    X: Tensor, gamma: Tensor, beta: Tensor, moving_mean: Tensor, moving_var: Tensor, eps: float, momentum: float, *,
    training: bool | None = None, is_training: bool | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Return (Y, moving_mean, moving_var): X normalised per channel, then times gamma plus beta, and new averages.

    X is (N, F) or (N, C, H, W), Y has its shape, all others are (F,) or (C,). In training, mean and biased variance
    of the batch normalise, and the averages move by `momentum` towards the batch's mean and unbiased variance: a
    momentum of 0.1 here is the book's 0.9. Otherwise the averages normalise, and come back as they are. As in PyTorch,
    16-bit numbers are computed with in 32 bits, and Y has the dtype of X again.

    `training` has to be said: the book asks whether gradients are on instead, or has `is_training`, both with the
    momentum the other way round, and TypeError answers them. Raises ValueError for another number of axes or features,
    and in training for fewer than two values per channel.
    """
    if training is None or is_training is not None:
        raise TypeError("batch_norm needs training=True or training=False, gradients do not decide it; a momentum of "
                        f"{momentum:g} moves the averages by that share, the book's 0.9 by 0.1")  # fmt: skip
    shape, axes = _per_channel(X, gamma)
    if len({tuple(part.shape) for part in (gamma, beta, moving_mean, moving_var)}) > 1:
        raise ValueError(f"gamma, beta and the averages have the shapes {tuple(gamma.shape)}, {tuple(beta.shape)}, "
                         f"{tuple(moving_mean.shape)} and {tuple(moving_var.shape)}: make them the same")  # fmt: skip
    dtype, kept = X.dtype, (moving_mean.dtype, moving_var.dtype)
    if dtype in (torch.float16, torch.bfloat16):
        X, gamma, beta = X.float(), gamma.float(), beta.float()
        moving_mean, moving_var = moving_mean.float(), moving_var.float()
    if training:
        count = X.numel() // X.shape[1]
        if count < 2:
            raise ValueError(f"Expected more than 1 value per channel when training, got input size {tuple(X.shape)}: "
                             "give a larger batch, or call eval() to normalise by the running averages")  # fmt: skip
        mean = X.mean(axes)
        var = ((X - mean.reshape(shape)) ** 2).mean(axes)
        moving_mean = moving_mean + momentum * (mean.detach() - moving_mean)
        moving_var = moving_var + momentum * (var.detach() * (count / (count - 1)) - moving_var)
    else:
        mean, var = moving_mean, moving_var
    X_hat = (X - mean.reshape(shape)) / torch.sqrt(var.reshape(shape) + eps)
    Y = gamma.reshape(shape) * X_hat + beta.reshape(shape)
    return Y.to(dtype) if dtype.itemsize == 2 else Y, moving_mean.to(kept[0]), moving_var.to(kept[1])


def _per_channel(X: Tensor, gamma: Tensor) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the shape in which one number per channel meets X, and the axes over which a channel is averaged."""
    if not isinstance(X, Tensor) or not X.is_floating_point():
        what = f"holds {X.dtype}" if isinstance(X, Tensor) else f"is {type(X).__name__}"
        raise TypeError(f"X {what}, must be a tensor of floating-point numbers")
    if X.dim() not in (2, 4):
        raise ValueError(f"X has {X.dim()} axes, {tuple(X.shape)}: give (N, F) or (N, C, H, W)")
    if gamma.shape != X.shape[1:2]:
        raise ValueError(f"X {tuple(X.shape)} has {X.shape[1]} features or channels on axis 1, but gamma, beta and "
                         f"the averages are made for {gamma.numel()}: make both numbers equal")  # fmt: skip
    return ((1, -1), (0,)) if X.dim() == 2 else ((1, -1, 1, 1), (0, 2, 3))


class BatchNorm(nn.Module):
    """Batch normalisation of X (N, num_features) or (N, num_features, H, W); the output has X's shape.

    Learns `weight` (gamma) and `bias` (beta), (num_features,) each, and keeps `running_mean` and `running_var` of the
    same shape as buffers, and counts its batches (`num_batches_tracked`): state dicts of PyTorch's layers fit, both
    ways. The book's BatchNorm(6, 4) or num_dims=4 works, too: the layer then takes inputs of that many axes alone, 2 or
    4. In training mode it raises ValueError for fewer than two values per channel.
    """

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, *, num_dims: int | None = None):
        super().__init__()
        if num_dims is None and isinstance(eps, int) and eps in (2, 4):
            eps, num_dims = 1e-5, eps
        positive(num_features=num_features)
        for name, value in (("eps", eps), ("momentum", momentum)):
            if isinstance(value, bool) or not isinstance(value, numbers.Real):
                raise TypeError(f"{name} is {repr(value)[:60]}, must be a number")
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum is {momentum}: it is the share of each batch in the averages, from 0 to 1")
        if num_dims not in (None, 2, 4) or not 0 <= eps < 1:
            what, value = ("eps", eps) if num_dims in (None, 2, 4) else ("num_dims", num_dims)
            raise ValueError(f"{what} is {value}: eps is a small number such as 1e-5, num_dims, as in the book, 2 or 4")
        self.num_features, self.eps, self.momentum, self.num_dims = num_features, eps, momentum, num_dims
        self.weight, self.bias = nn.Parameter(torch.ones(num_features)), nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def reset_parameters(self) -> None:
        """Start anew: weight and running variance 1, bias and running mean 0."""
        with torch.no_grad():
            for values, start in ((self.weight, 1), (self.bias, 0), (self.running_mean, 0), (self.running_var, 1)):
                values.fill_(start)
            self.num_batches_tracked.zero_()

    def forward(self, X: Tensor) -> Tensor:
        """Normalise X; in training mode also move the running averages."""
        if self.num_dims not in (None, X.dim()):
            raise ValueError(f"X has {X.dim()} axes, {tuple(X.shape)}: the layer was made for num_dims={self.num_dims}")
        Y, mean, var = batch_norm(X, self.weight, self.bias, self.running_mean, self.running_var,
                                  self.eps, self.momentum, training=self.training)  # fmt: skip
        if self.training:
            with torch.no_grad():
                self.running_mean.copy_(mean)
                self.running_var.copy_(var)
                self.num_batches_tracked += 1
        return Y

    def extra_repr(self) -> str:
        """Say the settings, as PyTorch's layer does."""
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"
