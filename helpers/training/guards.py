"""What a training run is wrapped in: clear errors, whole steps, a seed of its own, memory order, evaluation mode."""

import contextlib
import re
import signal
import threading

import torch
from torch import Tensor, nn

from .advice import advised, wrong_numbers

NO_MEMORY = ("out of memory", "can't allocate memory")  # what CUDA, MPS and the CPU say


@contextlib.contextmanager
def evaluation(net):
    """Evaluation mode without gradients; afterwards each module's mode is as before. `net` may be a function."""
    modes = [(module, module.training) for module in net.modules()] if isinstance(net, nn.Module) else []
    try:
        for module, _ in modes:
            module.training = False
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def forked_random():
    """Return a context after which torch's random numbers go on as if nothing had been drawn in it."""
    return torch.random.fork_rng(devices=range(torch.cuda.device_count()) if torch.cuda.is_initialized() else [])


def generators_of(loaders) -> list[torch.Generator]:
    """Return the random generators that loaders have of their own, or their samplers (attributes `generator`)."""
    inner = [getattr(loader, name, None) for loader in loaders for name in ("sampler", "batch_sampler")]
    holders = [*loaders, *inner, *(getattr(sampler, "sampler", None) for sampler in inner)]
    found = [getattr(holder, "generator", None) for holder in holders]
    return list(dict.fromkeys(generator for generator in found if isinstance(generator, torch.Generator)))


@contextlib.contextmanager
def unseen(*loaders):
    """Whatever is drawn meanwhile, torch's random numbers, and those of the loaders' own generators, then go on."""
    own = [(generator, generator.get_state()) for generator in generators_of(loaders)]
    try:
        with forked_random():
            yield
    finally:
        for generator, state in own:
            generator.set_state(state)


@contextlib.contextmanager
def seeded(seed: int | None, *loaders):
    """Draw all of torch's random numbers from `seed`, if there is one; afterwards the caller's go on.

    So do those of the generators that loaders, or their samplers, have of their own.
    """
    if seed is None:
        yield
        return
    with unseen(*loaders):
        torch.manual_seed(seed)
        for generator in generators_of(loaders):
            generator.manual_seed(seed)
        yield


@contextlib.contextmanager
def held_interrupts(*, drop: bool = False):
    """Keep Ctrl-C (in Jupyter: interrupt the kernel) waiting until the block is done; with `drop`, forget it."""
    previous = signal.getsignal(signal.SIGINT)
    if previous is None or threading.current_thread() is not threading.main_thread():
        yield  # no signal arrives here
        return
    waiting = []
    signal.signal(signal.SIGINT, lambda *_: waiting.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        if waiting and not drop:
            signal.raise_signal(signal.SIGINT)


@contextlib.contextmanager
def clear_errors(net, X: Tensor):
    """Turn an error over the batch X into one sentence that says what to do.

    ValueError, also for a batch without a picture; TypeError for pictures of another dtype than the weights;
    RuntimeError for memory.
    """
    check_any(X)
    try:
        yield
    except (RuntimeError, IndexError, TypeError, ValueError, MemoryError) as error:
        raise explained(error, net, X) from error


def check_any(X: Tensor) -> None:
    """Raise ValueError for a batch without a picture."""
    if len(X) == 0:
        raise ValueError(f"a batch has shape {tuple(X.shape)}: give it at least one picture, or leave it out")


def explained(error: Exception, net, X: Tensor) -> Exception:
    """Return the exception to raise for this error over the batch X, (N, C, H, W)."""
    shape = tuple(X.shape)
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)) or any(words in str(error) for words in NO_MEMORY):
        return RuntimeError(f"there is not enough memory for a batch of shape {shape}: take a smaller batch_size, "
                            "smaller pictures (resize) or a net with fewer channels")
    if "Target" in str(error) and "out of bounds" in str(error) or "device-side assert" in str(error):
        return ValueError(f"a label is not the number of one of the net's outputs ({str(error).splitlines()[0]}): give "
                          "the net as many outputs as there are classes; after this error a GPU needs a new kernel")
    wanted, got = map(int, (re.findall(r"to have (\d+) channels, but got (\d+)", str(error)) or [(0, 0)])[0])
    if got and (wanted, got) == (getattr(first_convolution(net), "in_channels", 0), shape[1]):
        return ValueError(f"the net takes {wanted} channels and the pictures have {got} (X has shape {shape}): "
                          f"build the net with in_channels={got} or change the pictures")
    if X.ndim == 3 and first_convolution(net):
        return ValueError(f"the batch has shape {shape}, a net of convolutions takes (N, C, H, W): X.unsqueeze(1) adds "
                          "the axis of one channel")
    sentence = f"{type(net).__name__}, given a batch of shape {shape}: {advised(net, error)}"
    return wrong_numbers(net, X, error) or ValueError(sentence)


def first_convolution(net):
    """Return the net's first Conv2d in the order of its making, or None."""
    modules = net.modules() if isinstance(net, nn.Module) else []
    return next((module for module in modules if isinstance(module, nn.Conv2d)), None)


def try_out(net: nn.Module, X: Tensor, device) -> Tensor:
    """Return the net's answer to the first two pictures; its mode and the random state stay as they are."""
    with forked_random(), evaluation(net), clear_errors(net, X):
        return net(X[:2].to(device))


@contextlib.contextmanager
def in_channels_last(net: nn.Module):
    """Lay the weights of convolutions out as (N, H, W, C) in memory; afterwards as they were before."""
    weights = [(p, p.stride()) for p in net.parameters() if p.dim() == 4]
    try:
        for parameter, _ in weights:
            parameter.data = parameter.data.to(memory_format=torch.channels_last)
        yield
    finally:
        with held_interrupts():
            for parameter, stride in weights:
                layout = torch.empty_strided(parameter.shape, stride, dtype=parameter.dtype, device=parameter.device)
                parameter.data = layout.copy_(parameter.data)


def gains_by_channels_last(net: nn.Module, X: Tensor, device) -> bool:
    """Whether the net trains faster with channels last: on a CPU those with convolutions.

    On two cores LeNet gains a factor of 1.3 to 1.9, the slim VGG, NiN, GoogLeNet and ResNet with batch norm 1.1 to
    1.3; where the first batch norm has fewer than 8 channels, as in BN-LeNet, the rate falls to 0.75. A net whose
    forward needs the plain order (`X.view(...)` on a feature map) keeps it.
    """
    norms = (module for module in net.modules() if isinstance(module, nn.modules.batchnorm._NormBase))
    first_norm = next(norms, None)
    narrow = first_norm is not None and first_norm.num_features < 8
    if device.type != "cpu" or narrow or first_convolution(net) is None:
        return False
    try:
        with in_channels_last(net):
            try_out(net, X, device)
    except (ValueError, RuntimeError):
        return False
    return True
