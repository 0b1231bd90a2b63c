"""Where pictures lie and networks train."""

import torch


def device_of(device) -> torch.device:
    """Return the device to compute on, `try_gpu()` for None; ValueError for one that is not there."""
    if device is None:
        return try_gpu()
    try:
        found = torch.device(device)
        torch.zeros(1, device=found)
        if found.type == "meta":
            raise ValueError("it holds no numbers")
    except Exception as error:  # each kind of device has its own way to be missing
        reason = str(error).splitlines()[0][:200]
        raise ValueError(f"device {repr(device)[:60]} cannot be used here ({reason}): leave device out, or take "
                         "'cpu'") from error  # fmt: skip
    return found


def try_gpu(i: int = 0) -> torch.device:
    """Return the i-th CUDA device, else the GPU of an Apple chip (MPS), otherwise the CPU (book, section 5.6)."""
    if torch.cuda.device_count() > i:
        return torch.device(f"cuda:{i}")
    return torch.device("mps" if i == 0 and torch.backends.mps.is_available() else "cpu")
