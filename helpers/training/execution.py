"""How a training step is computed: in which precision, and by the net's own code or compiled code."""

import os
import shutil

import torch
from torch import Tensor, nn

CPP_COMPILERS = ("g++", "c++", "clang++", "cl")


class Execution:
    """A net's forward pass and the steps that follow, for `train_ch6(amp=, compile=)`.

    `amp` computes what can bear it in 16 bits (mixed precision; Micikevicius et al. 2018): the weights stay as they
    are, `torch.autocast` chooses layer by layer. True takes `amp_dtype(device)`; a dtype is taken as it is. float16
    has few digits for small numbers, so there the loss is scaled before its gradients are computed.

    `compile` hands the net to `torch.compile`; a text names another backend than the usual one. Batches of another
    shape than the first one, as the last of an epoch, go through the net itself: each shape would be compiled anew.
    Raises RuntimeError where a compiler is missing, ValueError for an `amp` that is no 16-bit dtype.
    """

    def __init__(self, net: nn.Module, device: torch.device, amp: bool | torch.dtype = False,
                 compile: bool | str = False):  # fmt: skip
        self.net, self.device, self.shape = net, device, None
        self.dtype = amp_dtype(device) if amp is True else amp or None
        if self.dtype not in (None, torch.bfloat16, torch.float16):
            raise ValueError(f"amp must be True, False, torch.bfloat16 or torch.float16, not {amp!r}")
        # Gradients of float16 overflow or vanish without it; the scaler does nothing where it is not enabled.
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.dtype == torch.float16)
        self.compiled = None
        if compile:
            backend = "inductor" if compile is True else compile
            check_compiler(device, backend)
            self.compiled = torch.compile(net, backend=backend)

    def __call__(self, X: Tensor) -> Tensor:
        """Return the logits (N, classes) for X (N, C, H, W)."""
        self.shape = self.shape or X.shape
        return self.compiled(X) if self.compiled and X.shape == self.shape else self.net(X)

    def precision(self):
        """Return the context for the forward pass and the loss."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype is not None)

    def forward(self, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits (N, classes) and the mean cross entropy for X (N, C, H, W), y (N,), in this precision."""
        with self.precision():
            logits = self(X)
            return logits, nn.functional.cross_entropy(logits, y)

    def backward(self, loss: Tensor) -> None:
        """Compute the gradients, of the scaled loss with float16."""
        self.scaler.scale(loss).backward()

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """Change the weights; with float16, leave out a step whose gradients overflowed."""
        self.scaler.step(optimizer)
        self.scaler.update()


def amp_dtype(device: torch.device) -> torch.dtype:
    """Return the 16-bit dtype to compute in: bfloat16, or float16 on a CUDA device that is too old for that."""
    old = device.type == "cuda" and torch.cuda.get_device_capability(device) < (8, 0)
    return torch.float16 if old else torch.bfloat16


def check_compiler(device: torch.device, backend: str) -> None:
    """Raise RuntimeError if torch.compile's usual backend would not find its compiler, ValueError for no backend."""
    import torch._dynamo

    backends = torch._dynamo.list_backends(exclude_tags=())
    if backend not in backends:
        raise ValueError(f"compile names no backend of torch.compile: {backend!r}; there are {', '.join(backends)}")
    if backend != "inductor":
        return
    named = os.environ.get("CXX")
    if device.type == "cpu" and not any(map(shutil.which, [named] if named else CPP_COMPILERS)):
        raise RuntimeError("compile=True needs a C++ compiler on a CPU and found none: install one (on Debian and "
                           "Ubuntu, apt install g++), or leave compile out")
    if device.type == "cuda":
        try:
            import triton  # noqa: F401
        except ImportError as error:
            sentence = "compile=True needs Triton on a GPU: pip install triton, or leave compile out"
            raise RuntimeError(sentence) from error
