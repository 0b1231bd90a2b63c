"""Batch normalisation over the batches of all processes, on any device: what nn.SyncBatchNorm does on GPUs alone."""

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm


class Normalise(torch.autograd.Function):
    """X normalised per channel by mean and variance of the whole batch, of which each process holds a slice.

    Two conversations a layer and step: the slices' means and variances on the way there, two sums on the way back.
    """

    @staticmethod
    def forward(ctx, X: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, var: Tensor, count: int, eps: float):
        ctx.save_for_backward(X, weight, mean, var)
        ctx.count, ctx.eps = count, eps
        return F.batch_norm(X, mean, var, weight, bias, training=False, eps=eps)

    @staticmethod
    def backward(ctx, dY: Tensor):
        X, weight, mean, var = ctx.saved_tensors
        axes, shape = per_channel(X)
        scale = (var + ctx.eps).rsqrt()
        X_hat = (X - mean.view(shape)) * scale.view(shape)
        own = torch.stack([(dY * X_hat).sum(axes), dY.sum(axes)])  # (2, C): gradients of weight and bias, this slice
        whole = own.clone()
        dist.all_reduce(whole)
        slope, level = (whole / ctx.count).view(2, *shape)  # mean and variance pull at every value of the channel
        dX = (weight * scale).view(shape) * (dY - level - X_hat * slope)
        return dX, *own, None, None, None, None


class SyncBatchNorm(_BatchNorm):
    """Batch normalisation of X (N, C) or (N, C, H, W), the slice of this process; the output has X's shape.

    Output, gradients and running averages are those of PyTorch's layer given the slices of all processes as one batch,
    within rounding. A slice may be empty. In evaluation mode, and where there is one process, it is PyTorch's layer.
    Raises ValueError if there are fewer than two values per channel over all slices.
    """

    def _check_input_dim(self, X: Tensor) -> None:
        if X.dim() not in (2, 4):
            raise ValueError(f"expected X of shape (N, C) or (N, C, H, W), got {tuple(X.shape)}")

    def forward(self, X: Tensor) -> Tensor:
        """Normalise X; in training mode also move the running averages."""
        if not self.training or not dist.is_initialized() or dist.get_world_size() == 1:
            return super().forward(X)
        self._check_input_dim(X)
        mean, var, count = whole_statistics(X)
        if count < 2:
            raise ValueError(f"expected more than 1 value per channel over all processes, got {tuple(X.shape)} here")
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var * count / (count - 1), self.momentum)
        return Normalise.apply(X, self.weight, self.bias, mean, var, count, self.eps)


@torch.no_grad()
def whole_statistics(X: Tensor) -> tuple[Tensor, Tensor, int]:
    """Return mean (C,), biased variance (C,) and number of values per channel over the slices of all processes."""
    own = X.new_zeros(3, X.shape[1])  # mean, variance, number of values; zeros for an empty slice
    if len(X):
        own[1], own[0] = torch.var_mean(X, per_channel(X)[0], correction=0)
        own[2] = X.numel() // X.shape[1]
    slices = [torch.empty_like(own) for _ in range(dist.get_world_size())]
    dist.all_gather(slices, own)
    means, variances, counts = torch.stack(slices, dim=1)  # (processes, C) each
    count = counts[:, 0].sum()
    mean = (means * counts).sum(0) / count
    var = ((variances + (means - mean) ** 2) * counts).sum(0) / count
    return mean, var, int(count)


def per_channel(X: Tensor) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the axes over which a channel of X is averaged, and the shape in which one number per channel meets X."""
    return ((0,), (1, -1)) if X.dim() == 2 else ((0, 2, 3), (1, -1, 1, 1))


def synchronised(net: nn.Module) -> nn.Module:
    """Return the net with each batch normalisation replaced by one over all processes; weights and names stay.

    Where the weights are on CUDA that is nn.SyncBatchNorm, elsewhere `SyncBatchNorm`. The net is changed in place,
    unless it is itself a batch normalisation. Raises ValueError for a layer without weights or running averages.
    """
    if isinstance(net, _BatchNorm):
        if net.weight is None or net.running_mean is None or net.momentum is None:
            raise ValueError(f"{net} needs affine=True, track_running_stats=True and a momentum")
        kind = nn.SyncBatchNorm if net.weight.is_cuda else SyncBatchNorm
        made = kind(net.num_features, net.eps, net.momentum)
        made.load_state_dict(net.state_dict())
        return made.to(net.weight.device, net.weight.dtype).train(net.training)
    for name, layer in net.named_children():
        setattr(net, name, synchronised(layer))
    return net
