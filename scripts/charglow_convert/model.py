"""What a reader hands over: the model as its file describes it, uninterpreted."""

from dataclasses import dataclass
from typing import Callable, List, Optional, Tuple

import numpy as np

ITEM_SIZE = {"F16": 2, "F32": 4, "F64": 8}


@dataclass(frozen=True)
class Tensor:
    """One weight array. The numbers stay in the file until `read` is called, so that a model need not fit in memory."""

    name: str  # path in the source file, without the leading "/"
    dtype: str  # "F16", "F32" or "F64"
    shape: Tuple[int, ...]
    where: str  # for messages: source file and name
    read: Callable[[], np.ndarray]  # little-endian, C order

    @property
    def size(self) -> int:
        """Number of elements."""
        size = 1
        for dimension in self.shape:
            size *= dimension
        return size

    @property
    def nbytes(self) -> int:
        return self.size * ITEM_SIZE[self.dtype]


@dataclass(frozen=True)
class Layer:
    """A layer as `layer_names` lists it, with its weights in the order of `weight_names`; often it has none."""

    name: str
    tensors: List[Tensor]
    weight_names: List[str]  # as the file spells them, one per tensor


@dataclass(frozen=True)
class Model:
    layout: str  # "keras-hdf5" or "keras-hdf5-weights"
    layers: List[Layer]
    keras_version: Optional[str]
    backend: Optional[str]
    model_config: Optional[str]  # JSON text, as the file holds it

    @property
    def tensors(self) -> List[Tensor]:
        return [tensor for layer in self.layers for tensor in layer.tensors]
