"""How many multiply-adds run: counted where PyTorch runs them, whoever calls them."""

import contextlib
import re
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

# Products that torch's own counter leaves out: the multiply-adds for their arguments.
PRODUCTS: dict[str, Callable[..., int]] = {
    "mv": lambda A, x: A.numel(), "addmv": lambda y, A, x, **_: A.numel(),
    "dot": lambda x, y: x.numel(), "vdot": lambda x, y: x.numel(),
    "addbmm": lambda Y, A, B, **_: A.numel() * B.shape[-1], "_int_mm": lambda A, B: A.numel() * B.shape[-1],
    "_addmm_activation": lambda Y, A, B, **_: A.numel() * B.shape[-1],
}  # fmt: skip
# What multiplies inside, and by how much nobody says; so does what comes from outside aten.
UNKNOWN = re.compile("mkldnn_rnn|cudnn_rnn|miopen_rnn|lstm_mps|native_multi_head|transformer_encoder|_attention|"
                     "trilinear|cdist|fft|linalg_(?!vector_norm)|sparse|quantized|mkldnn_linear|fbgemm")  # fmt: skip
KNOWN = ("aten", "prim", "prims", "profiler")


class Work:
    """What ran on behalf of one call of one module, without its children's part; None: of nobody yet."""

    def __init__(self, module: nn.Module | None = None):
        self.module, self.multiply_adds, self.unknown = module, 0, False


class Counter(TorchDispatchMode):
    """While it is open, adds the multiply-adds of each operation to the topmost `Work` on its stack."""

    def __init__(self):
        from torch.utils.flop_counter import flop_registry  # brings Triton along, which `import helpers` does not need

        super().__init__()
        self.stack, self.formulas = [Work()], flop_registry

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs, packet = kwargs or {}, getattr(func, "_overloadpacket", None)
        name, top = getattr(packet, "__name__", ""), self.stack[-1]
        if packet in self.formulas:
            output = func(*args, **kwargs)
            top.multiply_adds += self.formulas[packet](*args, **kwargs, out_val=output) // 2
            return output
        with self:
            parts = func.decompose(*args, **kwargs) if hasattr(func, "decompose") else NotImplemented
        if parts is not NotImplemented:
            return parts
        if name in PRODUCTS:
            top.multiply_adds += PRODUCTS[name](*args, **kwargs)
        elif getattr(func, "namespace", "") not in KNOWN or UNKNOWN.search(name):
            top.unknown = True
        return func(*args, **kwargs)


@contextlib.contextmanager
def countable() -> Iterator[None]:
    """Let attention run as the products it is made of, not as one fused operation that nobody counts."""
    mha = torch.backends.mha
    fast = mha.get_fastpath_enabled()
    mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        mha.set_fastpath_enabled(fast)


def recurrent_multiply_adds(layer: nn.RNNBase, X) -> int:
    """Return the multiply-adds of a recurrent layer: each of its matrices once for each step of each sequence."""
    steps = X.data.shape[0] if isinstance(X, nn.utils.rnn.PackedSequence) else X[..., 0].numel()
    return steps * sum(p.numel() for p in layer.parameters() if p.ndim == 2)


def first_argument(args: tuple, kwargs: dict) -> Tensor:
    """Return what a layer was called on, by position or by name."""
    return args[0] if args else next(iter(kwargs.values()))
