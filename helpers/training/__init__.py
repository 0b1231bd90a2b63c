"""Training and testing a network: `from helpers.training import train_ch6, evaluate_accuracy, recipe`."""

from helpers.data import try_gpu

from .guards import evaluation, seeded
from .history import History
from .loop import (
    PROFILES,
    Cosine,
    evaluate_accuracy,
    evaluate_accuracy_gpu,
    profile,
    train_ch6,
    train_epoch,
    xavier,
)
from .recipes import RECIPES, recipe

__all__ = ["PROFILES", "RECIPES", "Cosine", "History", "evaluate_accuracy", "evaluate_accuracy_gpu", "evaluation",
           "profile", "recipe", "seeded", "train_ch6", "train_epoch", "try_gpu", "xavier"]  # fmt: skip
