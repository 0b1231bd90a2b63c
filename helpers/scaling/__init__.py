"""Training faster and larger: the levers of speed, a GPU kernel, several processes.

Loaded on first use: Triton and torch.distributed are for those who ask for them.
"""

from helpers.lazy import lazy

_MODULES = {
    "Levers": "levers",
    "clock": "levers",
    "compare_levers": "levers",
    "copy_rate": "levers",
    "loader": "levers",
    "peak_rate": "levers",
    "time_of_parts": "levers",
    "train_for": "levers",
    "usual_compiler": "levers",
    "torchrun": "train_distributed",
}
__all__ = sorted(_MODULES)
__getattr__ = lazy(__name__, _MODULES)
