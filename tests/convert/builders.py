"""Files in the layouts that Keras writes, made with h5py and zipfile alone."""

import io
import json
import zipfile

import h5py
import numpy as np

CONFIG = '{"class_name": "Functional", "config": {"name": "café \\u00e9", "layers": []}}'


def numbers(*shape, dtype="<f4", start=0.0):
    """start + 0.25, start + 1.25, …: no two equal, exact in every dtype."""
    size = int(np.prod(shape, dtype=int))
    return (np.arange(size, dtype="f8") + start + 0.25).reshape(shape).astype(dtype)


def small_layers():
    """An input without weights, an embedding and a dense layer, with the names of Keras 2.15."""
    return {
        "input_1": {},
        "embedding": {"embedding/embeddings:0": numbers(5, 3)},
        "dense": {"dense/kernel:0": numbers(3, 2, start=100), "dense/bias:0": numbers(2, start=-50)},
    }


def set_strings(owner, name, values, kind="fixed"):
    """A list of strings as h5py 2 ("fixed") or h5py 3 ("variable") made Keras write it; empty: float64 (0,)."""
    if not values:
        owner.attrs[name] = np.array([])
    elif kind == "fixed":
        owner.attrs[name] = np.array([value.encode("utf-8") for value in values])
    else:
        owner.attrs.create(name, values, dtype=h5py.special_dtype(vlen=str))


def set_strings_in_parts(owner, name, values, parts):
    for index, part in enumerate(np.array_split(np.array([value.encode("utf-8") for value in values]), parts)):
        owner.attrs[f"{name}{index}"] = part


def write_model(path, layers=None, full=True, config=CONFIG, strings="fixed", keras_version="2.15.0", backend="tensorflow",
                optimizer=False, layer_name_parts=None, **dataset_options):
    """Writes {layer: {weight name: array}} as model.save (full) or model.save_weights do. Returns `path`."""
    layers = small_layers() if layers is None else layers
    with h5py.File(str(path), "w") as file:
        top = file.create_group("model_weights") if full else file
        for owner in {file, top}:
            for key, value in (("keras_version", keras_version), ("backend", backend)):
                if value is not None:
                    owner.attrs[key] = value.encode() if strings == "fixed" else value
        if full and config is not None:
            file.attrs["model_config"] = config.encode("utf-8") if strings == "fixed" else config
            file.attrs["training_config"] = json.dumps({"loss": "binary_crossentropy"})
        if layer_name_parts:
            set_strings_in_parts(top, "layer_names", list(layers), layer_name_parts)
        else:
            set_strings(top, "layer_names", list(layers), strings)
        for layer, weights in layers.items():
            group = top.require_group(layer)
            set_strings(group, "weight_names", list(weights), strings)
            for name, array in weights.items():
                options = dataset_options if np.ndim(array) else {}  # HDF5 cannot chunk scalars
                group.create_dataset(name, data=array, **options)
        if optimizer:
            state = file.create_group("optimizer_weights")
            set_strings(state, "weight_names", ["Adam/iter:0"])
            state.create_dataset("Adam/iter:0", data=np.int64(7))
    return path


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


def tokenizer(word_index, /, **config):
    """The object behind Tokenizer.to_json(), as keras_preprocessing writes it."""
    defaults = {
        "num_words": None, "filters": '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', "lower": True, "split": " ",
        "char_level": True, "oov_token": None, "document_count": 2, "word_counts": "{}", "word_docs": "{}",
        "index_docs": "{}", "index_word": json.dumps({i: w for w, i in word_index.items()}),
        "word_index": json.dumps(word_index),
    }
    return {"class_name": "Tokenizer", "config": {**defaults, **config}}


def parity(**changes):
    """One small valid parity object, for the layers of small_layers()."""
    case = {
        "name": "one", "text": "ab", "ids": [[0, 1, 2]],
        "outputs": {"dense": {"shape": [1, 2], "values": [1e-7, 0.5]}},
        "attention": {"embedding": {"shape": [1, 3], "values": [0.25, 0.25, 0.5]}},
    }
    case.update(changes)
    return {"made_with": {"keras": "2.15.0"}, "cases": [{key: value for key, value in case.items() if value is not None}]}


def small_tree():
    """The groups of a Keras 3 tree, {path: (name, arrays)}, for an embedding and a dense layer."""
    return {
        "": ("functional", []),
        "layers/input_layer": ("input_layer", []),
        "layers/embedding": ("embedding", [numbers(5, 3)]),
        "layers/dense": ("attention_score", [numbers(3, 2, start=100), numbers(2, start=-50)]),
    }


def write_tree(path, tree=None, names=True):
    """Writes {path: (name, arrays or {name: array})} as model.save_weights("x.weights.h5") does; `path` may be a stream."""
    with h5py.File(path if hasattr(path, "write") else str(path), "w") as file:
        for group, (name, arrays) in (small_tree() if tree is None else tree).items():
            variables = file.create_group(f"{group}/vars" if group else "vars")
            if names:
                variables.attrs["name"] = name
            for key, array in (arrays.items() if isinstance(arrays, dict) else enumerate(arrays)):
                variables[str(key)] = array
    return path


def tree_bytes(tree=None, names=True):
    return write_tree(io.BytesIO(), tree, names).getvalue()


def keras_members(**changes):
    """The files of a .keras archive, {name: bytes}; `changes` by metadata, config, weights."""
    members = {
        "metadata.json": json.dumps({"keras_version": "3.15.1", "date_saved": "2026-01-02@03:04:05"}),
        "config.json": CONFIG,
        "model.weights.h5": changes["weights"] if "weights" in changes else tree_bytes(),
    }
    for key in ("metadata", "config"):
        if key in changes:
            members[f"{key}.json"] = changes[key]
    return members


def write_archive(path, members=None, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(str(path), "w", compression) as archive:
        for name, content in (keras_members() if members is None else members).items():
            archive.writestr(name, content)
    return path
