"""What a network is made of: shapes, parameters, multiply-adds, receptive fields; `anatomy.architecture` draws it."""

from .counts import Layer, NetTable, describe_net
from .reach import Field, receptive_field

__all__ = ["Field", "Layer", "NetTable", "describe_net", "receptive_field"]
