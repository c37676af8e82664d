"""Reads the HDF5 files of `model.save("x.h5")` and `model.save_weights("x.h5")`, Keras 1 to 3.

The tree is the same in every generation (keras/saving/legacy/hdf5_format.py of 2.15): a group per layer below
`model_weights` (full model) or at the root (weights only), in the order of the attribute `layer_names`, each with its
arrays in the order of its attribute `weight_names`.
"""

from typing import Dict, List

import h5py

from . import hdf5
from .errors import ConvertError, grouped, quoted
from .model import Layer, Model, Tensor
from .sniff import EXPECTED, SAVE_H5

WEIGHTS_GROUP = "model_weights"


def read(file: h5py.File, path: str, size: int) -> Model:
    """The model in a file of `size` bytes. Its tensors can be read while the file is open."""
    budget = hdf5.Budget(size)
    root = hdf5.Attributes(file, path, budget.file_size)
    with hdf5.guard(path):
        names = set(file)
    if WEIGHTS_GROUP in names:
        layout = "keras-hdf5"
        top = hdf5.member(file, WEIGHTS_GROUP, f"{path}: {WEIGHTS_GROUP}")
        if not isinstance(top, h5py.Group):
            raise ConvertError(f"{path}: {WEIGHTS_GROUP}", "a group", "an array", hdf5.DAMAGED)
    else:
        layout = "keras-hdf5-weights"
        top = file
        if root.strings("layer_names") is None:
            _refuse_layout(path, names, root)
    weights = hdf5.Attributes(top, f"{path}: {WEIGHTS_GROUP}" if top is not file else path, budget.file_size)
    return Model(
        layout=layout,
        layers=_layers(top, weights, path, budget),
        keras_version=root.string("keras_version") or weights.string("keras_version"),
        backend=root.string("backend") or weights.string("backend"),
        model_config=root.string("model_config"),
    )


def _refuse_layout(path, names, root):
    if "model_config" in root:
        raise ConvertError(path, f"the weights (a group {quoted(WEIGHTS_GROUP)})", "an architecture without weights",
                           SAVE_H5)
    if "optimizer_weights" in names:
        raise ConvertError(path, "a model's weights", "an optimizer's state only", SAVE_H5)
    if "nb_layers" in root:
        raise ConvertError(path, EXPECTED, "a file of Keras 0.x (attribute nb_layers)",
                           "Load it in that version and save it with Keras 1.2 or later.")
    listed = ", ".join(quoted(name) for name in sorted(names)[:5]) + (", …" if len(names) > 5 else "")
    raise ConvertError(path, f"a Keras model (a group {quoted(WEIGHTS_GROUP)} or an attribute \"layer_names\")",
                       f"an HDF5 file with {listed}" if names else "an HDF5 file with nothing in it",
                       SAVE_H5)


def _layers(top: h5py.Group, attributes: hdf5.Attributes, path: str, budget: hdf5.Budget) -> List[Layer]:
    layer_names = attributes.strings("layer_names")
    prefix = f"{WEIGHTS_GROUP}/" if top.name != "/" else ""
    where = f"{path}: {prefix}layer_names"
    if layer_names is None:
        raise ConvertError(where, "the attribute that lists the layers", "none", hdf5.DAMAGED)
    _check_unique(layer_names, where)
    groups, datasets = hdf5.walk(top, path)

    layers = []
    for layer_name in layer_names:
        group_path = prefix + layer_name
        where = f"{path}: layer {quoted(layer_name)}"
        if group_path not in groups:
            raise ConvertError(where, f"a group {quoted(group_path)} with its weights", "none", hdf5.DAMAGED)
        weight_names = hdf5.Attributes(groups[group_path], f"{path}: {group_path}", budget.file_size).strings("weight_names")
        if weight_names is None:
            raise ConvertError(where, "the attribute weight_names", "none", hdf5.DAMAGED)
        _check_unique(weight_names, f"{path}: {group_path}: weight_names")
        tensors: List[Tensor] = []
        kept: List[str] = []
        left_out: Dict[str, str] = {}
        for weight_name in weight_names:
            tensor_path = f"{group_path}/{weight_name}"
            if tensor_path not in datasets:
                raise ConvertError(where, f"the weight {quoted(weight_name)}", "none of that name", hdf5.DAMAGED)
            weight = hdf5.weight(datasets.pop(tensor_path), tensor_path, path, budget)
            if isinstance(weight, Tensor):
                tensors.append(weight)
                kept.append(weight_name)
            else:
                left_out[tensor_path] = weight
        layers.append(Layer(name=layer_name, tensors=tensors, weight_names=kept, left_out=left_out))

    if datasets:
        first = sorted(datasets)[0]
        raise ConvertError(f"{path}: {first}", "every array to be a weight that one layer lists",
                           f"{grouped(len(datasets), 'array')} that no layer lists", hdf5.SAVE_AGAIN)
    return layers


def _check_unique(names, where):
    seen = set()
    for name in names:
        if name in seen:
            raise ConvertError(where, "every name once", f"{quoted(name)} twice", hdf5.DAMAGED)
        seen.add(name)
