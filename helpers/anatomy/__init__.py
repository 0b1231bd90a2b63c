"""What a network is made of: shapes, parameters, multiply-adds, receptive fields; `anatomy.architecture` draws it."""

from .counts import Field, Layer, NetTable, describe_net, receptive_field

__all__ = ["Field", "Layer", "NetTable", "describe_net", "receptive_field"]
