"""Where pictures lie and networks train."""

import torch


def try_gpu(i: int = 0) -> torch.device:
    """Return the i-th CUDA device, else the GPU of an Apple chip (MPS), otherwise the CPU (book, section 5.6)."""
    if torch.cuda.device_count() > i:
        return torch.device(f"cuda:{i}")
    return torch.device("mps" if i == 0 and torch.backends.mps.is_available() else "cpu")
