"""What a reader hands over: the model as its file describes it, uninterpreted."""

from dataclasses import dataclass, field
from typing import Callable, Dict, List, Optional, Tuple

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
    """A layer as `layer_names` lists it, or a group of a Keras 3 tree; often it has no weights."""

    name: str
    tensors: List[Tensor]  # in the order of `weight_names`, or of their indices
    weight_names: List[str]  # as the file spells them, one per tensor
    keras_name: Optional[str] = None  # where `name` is a path in the file, and the file says it
    left_out: Dict[str, str] = field(default_factory=dict)  # arrays that are no weights: path -> what they hold


@dataclass(frozen=True)
class Model:
    layout: str  # a `layout` of FORMAT.md section 3
    layers: List[Layer]
    keras_version: Optional[str]
    backend: Optional[str]
    model_config: Optional[str]  # JSON text, as the file holds it
    assets: Dict[str, str] = field(default_factory=dict)  # path below assets/ -> text

    @property
    def tensors(self) -> List[Tensor]:
        return [tensor for layer in self.layers for tensor in layer.tensors]
