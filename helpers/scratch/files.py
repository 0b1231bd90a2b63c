"""The parameters of a net in a file of the textbook's form: a pickled dict of arrays, read without running anything."""

import os
import pickle

import numpy as np

# What a pickled array names: the functions that put it together, and no other.
NEEDED = {"numpy": ("ndarray", "dtype"), "numpy._core.multiarray": ("_reconstruct", "scalar"),
          "numpy._core.numeric": ("_frombuffer",), "_codecs": ("encode",)}  # fmt: skip


class _Arrays(pickle.Unpickler):
    """Reads arrays and plain values; a file that names anything else, which reading would run, is refused."""

    def find_class(self, module, name):
        module = module.replace("numpy.core", "numpy._core")
        if name not in NEEDED.get(module, ()):
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is no part of an array")
        return super().find_class(module if hasattr(np, "_core") else module.replace("._core", ".core"), name)


def write_params(params: dict[str, np.ndarray], path: str | os.PathLike) -> None:
    """Write a dict of arrays to a file, as `net.save_params` of the textbook does."""
    with open(path, "wb") as file:
        pickle.dump(dict(params), file)


def read_params(path: str | os.PathLike, params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays of a file in the dtypes of `params`; ValueError where names or shapes are not those of it."""
    try:
        with open(path, "rb") as file:
            found = _Arrays(file).load()
    except (pickle.UnpicklingError, EOFError, AttributeError, IndexError, KeyError, TypeError, ValueError,
            UnicodeDecodeError, ImportError, MemoryError) as error:
        raise ValueError(f"{path} holds no parameters of save_params: {error or type(error).__name__}") from error
    shapes = {name: array.shape for name, array in params.items()}
    found = found if isinstance(found, dict) else {}
    given = {name: np.shape(array) for name, array in found.items()}
    if given != shapes:
        raise ValueError(f"{path} holds {str(given)[:200]}, the net has {shapes}: build the net with the same sizes")
    return {name: np.asarray(found[name]).astype(array.dtype) for name, array in params.items()}
