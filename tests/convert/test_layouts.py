"""The layouts of every Keras generation, built by hand, and the storage forms HDF5 allows."""

import json

import h5py
import numpy as np
import pytest

import builders
import reading
from builders import numbers, small_layers


def tensors_of(folder, converted, *arguments):
    converted("m.h5", *arguments)
    return reading.read_safetensors(folder / "m.safetensors")


def assert_layers(bundle, layers, prefix):
    assert bundle.json("layers") == [
        {"name": layer, "weights": [f"{prefix}{layer}/{name}" for name in weights]} for layer, weights in layers.items()]
    for layer, weights in layers.items():
        for name, array in weights.items():
            np.testing.assert_array_equal(bundle.tensors[f"{prefix}{layer}/{name}"], array)


GENERATIONS = {
    "keras 1": {"embedding_1": {"embedding_1_W": numbers(4, 3)}, "gru_1": {"gru_1_W_z": numbers(3, 2), "gru_1_b_z": numbers(2)}},
    "keras 2.1": {"lstm_1": {"lstm_1/kernel:0": numbers(3, 8), "lstm_1/bias:0": numbers(8)}},
    "keras 2.15": {"input_1": {}, "lstm": {"lstm/lstm_cell/kernel:0": numbers(3, 8), "lstm/lstm_cell/bias:0": numbers(8)}},
    "keras 3": {"input_layer": {}, "lstm": {"lstm/lstm_cell/kernel": numbers(3, 8), "lstm/lstm_cell/bias": numbers(8)}},
    "bidirectional": {"bidirectional_1": {"bidirectional_1/forward_lstm_1/kernel:0": numbers(3, 8),
                                          "bidirectional_1/backward_lstm_1/kernel:0": numbers(3, 8, start=50)}},
    "group and prefix differ": {"attention": {"attention_3/attention_W:0": numbers(5, 1)}},
    "slash in a layer name": {"scope/dense": {"scope/dense/kernel:0": numbers(2, 2)}, "scope": {"k": numbers(1)}},
    "a layer's own name inside": {"a": {"a/a": numbers(1), "a/b": numbers(2)}},
    "not ASCII": {"schicht_ä": {"schicht_ä/kernel:0": numbers(2)}},
}


@pytest.mark.parametrize("strings", ["fixed", "variable"])
@pytest.mark.parametrize("full", [True, False], ids=["full", "weights"])
@pytest.mark.parametrize("generation", GENERATIONS)
def test_generations(folder, converted, generation, full, strings):
    layers = GENERATIONS[generation]
    builders.write_model(folder / "m.h5", layers, full=full, strings=strings)
    bundle = tensors_of(folder, converted)
    assert_layers(bundle, layers, "model_weights/" if full else "")
    assert bundle.json("source")["layout"] == ("keras-hdf5" if full else "keras-hdf5-weights")
    assert ("model_config" in bundle.metadata) == full


@pytest.mark.parametrize("full", [True, False], ids=["full", "weights"])
def test_long_attributes_in_parts(folder, converted, full):
    layers = {f"dense_{i}": {f"dense_{i}/kernel:0": numbers(1, start=i)} for i in (3, 1, 2, 10, 7)}
    builders.write_model(folder / "m.h5", layers, full=full, layer_name_parts=3)
    assert_layers(tensors_of(folder, converted), layers, "model_weights/" if full else "")


def test_weight_names_in_parts(folder, converted):
    layers = {"dense": {f"w{i}": numbers(2, start=i) for i in (2, 0, 1)}}
    builders.write_model(folder / "m.h5", layers)
    with h5py.File("m.h5", "r+") as file:
        group = file["model_weights/dense"]
        del group.attrs["weight_names"]
        builders.set_strings_in_parts(group, "weight_names", ["w2", "w0", "w1"], 2)
    assert_layers(tensors_of(folder, converted), layers, "model_weights/")


def test_order_is_the_attributes_not_the_alphabet(folder, converted):
    layers = {"z": {"c": numbers(1), "a": numbers(2)}, "b": {"b": numbers(3)}, "a": {}}
    builders.write_model(folder / "m.h5", layers)
    assert_layers(tensors_of(folder, converted), layers, "model_weights/")


def test_top_level_model_weights_without_any(folder, converted):
    builders.write_model(folder / "m.h5")
    with h5py.File("m.h5", "r+") as file:
        builders.set_strings(file["model_weights"].create_group("top_level_model_weights"), "weight_names", [])
    assert_layers(tensors_of(folder, converted), small_layers(), "model_weights/")


@pytest.mark.parametrize("storage", [
    {"compression": "gzip", "chunks": True}, {"compression": "lzf", "shuffle": True}, {"chunks": True},
    {"compression": "gzip", "fletcher32": True}, {"compression": "gzip", "maxshape": (None, None)},
], ids=str)
def test_chunks_and_compression(folder, converted, storage):
    array = np.zeros((700, 300), "<f4")
    array[3, 5] = 1.5
    builders.write_model(folder / "m.h5", {"dense": {"dense/kernel:0": array}}, **storage)
    assert_layers(tensors_of(folder, converted), {"dense": {"dense/kernel:0": array}}, "model_weights/")


@pytest.mark.parametrize("dtype, expected", [
    ("<f2", "F16"), ("<f4", "F32"), ("<f8", "F64"), (">f2", "F16"), (">f4", "F32"), (">f8", "F64")])
def test_dtypes_stay_and_big_endian_turns_round(folder, converted, dtype, expected):
    array = numbers(2, 3, dtype=dtype)
    builders.write_model(folder / "m.h5", {"dense": {"k": array}})
    bundle = tensors_of(folder, converted)
    assert bundle.dtypes == {"model_weights/dense/k": expected}
    np.testing.assert_array_equal(bundle.tensors["model_weights/dense/k"], array.astype(dtype.replace(">", "<")))


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1, 2, 1, 2, 1, 2, 1, 2)])
def test_shapes(folder, converted, shape):
    layers = {"dense": {"k": numbers(*shape)}}
    builders.write_model(folder / "m.h5", layers)
    bundle = tensors_of(folder, converted)
    assert bundle.tensors["model_weights/dense/k"].shape == shape
    assert_layers(bundle, layers, "model_weights/")


def test_compact_storage_and_a_user_block(folder, converted):
    with h5py.File("m.h5", "w", userblock_size=1024) as file:
        builders.set_strings(file, "layer_names", ["dense"])
        group = file.create_group("dense")
        builders.set_strings(group, "weight_names", ["k"])
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple((4,))
        dataset = h5py.h5d.create(group.id, b"k", h5py.h5t.IEEE_F32LE, space, plist)
        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, numbers(4))
    assert_layers(tensors_of(folder, converted), {"dense": {"k": numbers(4)}}, "")


def test_superblock_of_the_newest_version(folder, converted):
    with h5py.File("m.h5", "w", libver="latest") as file:
        builders.set_strings(file, "layer_names", ["dense"])
        group = file.create_group("dense")
        builders.set_strings(group, "weight_names", ["k"])
        group["k"] = numbers(4)
    assert_layers(tensors_of(folder, converted), {"dense": {"k": numbers(4)}}, "")


def test_version_and_backend_of_the_weights_group(folder, converted):
    builders.write_model(folder / "m.h5")
    with h5py.File("m.h5", "r+") as file:
        del file.attrs["keras_version"], file.attrs["backend"]
    bundle = tensors_of(folder, converted)
    assert (bundle.metadata["keras_version"], bundle.metadata["backend"]) == ("2.15.0", "tensorflow")


def test_without_version_and_backend(folder, converted):
    builders.write_model(folder / "m.h5", keras_version=None, backend=None)
    assert not {"keras_version", "backend"} & set(tensors_of(folder, converted).metadata)


CONFIG = '{"class_name":"Model",\n  "config": {"name": "caf\\u00e9", "x": 1.0}}'


@pytest.mark.parametrize("content", [
    CONFIG.encode(), b"\xef\xbb\xbf" + CONFIG.encode(), json.dumps(CONFIG).encode(),
], ids=["to_json()", "byte order mark", "json.dump(to_json())"])
def test_architecture_beside_the_weights(folder, converted, content):
    builders.write_model(folder / "m.h5", full=False)
    (folder / "model.json").write_bytes(content)
    assert tensors_of(folder, converted, "--config", "model.json").metadata["model_config"] == CONFIG


def test_weights_without_an_architecture(folder, converted):
    builders.write_model(folder / "m.h5", full=False)
    result = converted("m.h5")
    assert "architecture  none: the engine proposes one by names and shapes, and lists what it assumed.\n" in result.out
    assert "--config model.json" in result.out
    assert "model_config" not in reading.read_safetensors(folder / "m.safetensors").metadata


OTHERS = [(np.arange(6), "integer"), (np.arange(6, dtype=">i4"), "integer"), (np.uint32([1, 2]), "integer"),
          (np.array([True]), "enumeration"), (np.array([b"abc"]), "string"), (np.array("text", dtype=h5py.special_dtype(vlen=str)), "string")]


@pytest.mark.parametrize("array, kind", OTHERS, ids=lambda value: value if isinstance(value, str) else str(value.dtype))
def test_arrays_that_are_no_weights_are_named_only(folder, converted, array, kind):
    builders.write_model(folder / "m.h5", {"layer": {"layer/a:0": numbers(2), "layer/count:0": array, "layer/b:0": numbers(3)}})
    bundle = tensors_of(folder, converted)
    assert bundle.json("layers") == [{
        "name": "layer", "weights": ["model_weights/layer/layer/a:0", "model_weights/layer/layer/b:0"],
        "left_out": {"model_weights/layer/layer/count:0": kind}}]


def test_several_arrays_that_are_no_weights_keep_their_order(folder, converted):
    builders.write_model(folder / "m.h5", {"layer": {"z:0": np.int64(3), "k:0": numbers(2), "a:0": np.int64(4)}}, full=False)
    result = converted("m.h5")
    layer, = reading.read_safetensors(folder / "m.safetensors").json("layers")
    assert list(layer["left_out"]) == ["layer/z:0", "layer/a:0"]
    assert "left out      layer/z:0 (integer)\n              layer/a:0 (integer)\n" in result.out
