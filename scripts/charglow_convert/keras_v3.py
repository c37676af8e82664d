"""Reads the files of `model.save("x.keras")` and `model.save_weights("x.weights.h5")`, Keras 2.12 to 3.

Both hold a tree that follows the model's objects and not its layers' names (keras/src/saving/saving_lib.py of 3.15,
_save_state): an object has a group with a group `vars` in it, where its own arrays lie as `0`, `1` …, and beside that
`vars` the groups of the objects it holds, by attribute or, in a list, by class. Which layer that is, the engine finds out.
"""

import re
from contextlib import contextmanager
from typing import Dict, Iterator, List

import h5py

from . import archive, hdf5, strict_json
from .archive import SAVE_AGAIN
from .errors import ConvertError, grouped, quoted
from .model import Layer, Model, Tensor
from .sniff import SAVE_H5

VARS = "vars"
# Beside these, the state of training lies in a model's own group.
_LAYERS = ("layers", "_layer_checkpoint_dependencies")
_TRAINING = ("optimizer", "metrics")

METADATA, CONFIG, WEIGHTS, ASSETS = "metadata.json", "config.json", "model.weights.h5", "assets/"
MAX_METADATA = 2**20
MAX_CONFIG = MAX_ASSETS = 16 * 2**20  # a bundle's header, in which they are to fit, holds no more
MAX_WEIGHTS = 2**31

_INDEX = re.compile("0|[1-9][0-9]{0,8}")


def is_tree(file: h5py.File, path: str) -> bool:
    """Whether an HDF5 file is a .weights.h5. A layer of a legacy file may have any name: its `layer_names` tells."""
    with hdf5.guard(path):
        return not {"layer_names", "layer_names0"} & set(file.attrs) and bool({VARS, *_LAYERS} & set(file))


def read_weights(file: h5py.File, path: str, size: int) -> Model:
    """The weights in a .weights.h5 file, which says nothing else."""
    return Model(layout="keras-v3-weights", layers=_read_tree(file, path, size), keras_version=None, backend=None, model_config=None)


@contextmanager
def open_archive(path: str) -> Iterator[Model]:
    """The model in a .keras file. Its tensors can be read while the context is open."""
    with archive.open_archive(path) as members:
        metadata, config, assets, weights = _members(members, path)
    where = f"{path}: {WEIGHTS}"
    with hdf5.open_image(weights, where) as file:
        yield Model(layout="keras-v3", layers=_read_tree(file, where, len(weights)), keras_version=metadata["keras_version"],
                    backend=None, model_config=config, assets=assets)


def _members(members: archive.Archive, path: str):
    """metadata.json's object, config.json's text, the assets and the bytes of model.weights.h5."""
    for name in (METADATA, CONFIG, WEIGHTS):
        if name not in members.names:
            _refuse_members(members.names, name, path)
    where = f"{path}: {METADATA}"
    metadata = strict_json.loads(members.text(METADATA, MAX_METADATA), where)
    if not isinstance(metadata, dict) or not isinstance(metadata.get("keras_version"), str):
        raise ConvertError(where, 'an object with a string "keras_version"', "other JSON", SAVE_AGAIN)
    return metadata, members.text(CONFIG, MAX_CONFIG), _assets(members), members.read(WEIGHTS, MAX_WEIGHTS)


def _refuse_members(names, missing, path):
    hint = SAVE_AGAIN
    if missing == WEIGHTS and any(name.startswith("model.weights.") or name.endswith(".weights.h5") for name in names):
        hint = f"Weights in another format, or in parts, are not read. {hint}"
    listed = ", ".join(quoted(name) for name in sorted(names)[:5]) + (", …" if len(names) > 5 else "")
    raise ConvertError(path, f"a file {quoted(missing)} in the archive", listed or "an empty archive", hint)


def _assets(members: archive.Archive) -> Dict[str, str]:
    """The files below assets/ by their path there: vocabularies above all."""
    left = MAX_ASSETS
    assets = {}
    for name in sorted(name for name in members.names if name.startswith(ASSETS)):
        text = members.text(name, left)
        left -= len(text.encode("utf-8"))
        assets[name[len(ASSETS):]] = text
    return assets


def _read_tree(file: h5py.File, where: str, size: int) -> List[Layer]:
    """A Layer for every group with a group `vars` in it, by rising path; the state of training is left out."""
    budget = hdf5.Budget(size)
    groups, datasets = hdf5.walk(file, where)
    training = {_join(group, name) for group in groups for name in _TRAINING
                if group == "" or any(_join(group, layers) in groups for layers in _LAYERS)}

    def counts(path):
        return not any(path == top or path.startswith(top + "/") for top in training)

    members: Dict[str, List[str]] = {
        path: [] for path in groups if counts(path) and (path == VARS or path.endswith("/" + VARS))}
    if not members:
        found = "the state of training only" if training & set(groups) else f"no group {quoted(VARS)}"
        raise ConvertError(where, "a model's weights", found, SAVE_H5)
    for path in filter(counts, sorted(datasets)):
        parent = path.rpartition("/")[0]
        if parent not in members:
            raise ConvertError(f"{where}: {path}", f"every array in a group {quoted(VARS)}", "one elsewhere", SAVE_AGAIN)
        members[parent].append(path)

    layers = []
    for group in sorted(members, key=lambda path: path[:-len(VARS)].rstrip("/")):
        tensors: List[Tensor] = []
        left_out: Dict[str, str] = {}
        for path in sorted(members[group], key=_order):
            found = hdf5.weight(datasets[path], path, where, budget)
            if isinstance(found, Tensor):
                tensors.append(found)
            else:
                left_out[path] = found
        keras_name = hdf5.Attributes(groups[group], f"{where}: {group}", size).string("name")
        layers.append(Layer(
            name=group[:-len(VARS)].rstrip("/"), keras_name=keras_name, tensors=tensors, left_out=left_out,
            weight_names=[tensor.name[len(group) + 1:] for tensor in tensors]))
    return layers


def _join(group, name):
    return f"{group}/{name}" if group else name


def _order(path):
    """Indices by their value; then names, which objects may give their arrays."""
    name = path.rpartition("/")[2]
    return (0, int(name), "") if _INDEX.fullmatch(name) else (1, 0, name)
