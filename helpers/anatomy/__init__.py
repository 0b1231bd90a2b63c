"""What a network is made of: shapes, parameters, multiply-adds, receptive fields; `anatomy.architecture` draws it."""

from .block_row import block_row
from .counts import Layer, NetTable, describe_net
from .reach import Field, receptive_field

__all__ = ["Field", "Layer", "NetTable", "block_row", "describe_net", "receptive_field"]
