"""Names of a package that are loaded when somebody first asks for them, so that `import` stays cheap."""

import importlib


def lazy(package: str, modules: dict[str, str]):
    """Return a package's `__getattr__` (PEP 562) for public names: `modules` says which module below it has each.

    The returned function raises AttributeError, with the names there are, for any other one.
    """
    def load(name):
        if name not in modules:
            raise AttributeError(f"{package} has no {name!r}; it has {', '.join(sorted(modules))}")
        return getattr(importlib.import_module(f"{package}.{modules[name]}"), name)

    return load
