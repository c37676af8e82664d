"""Keras 3 archives and trees, built by hand: what comes out of them, and what is said about bad ones."""

import io
import json
import random
import re
import struct
import zipfile

import h5py
import numpy as np
import pytest

import builders
import reading
from builders import CONFIG, keras_members, numbers, small_tree, tree_bytes
from test_bad_files import DAMAGED, SAVE_H5, assert_refused

SAVE_KERAS = "Load the model in Keras and save it again as .keras."
SAVE_AGAIN = "Load the model in Keras and save it again as .h5."
SMALL_LAYERS = [
    {"name": "", "keras_name": "functional", "weights": []},
    {"name": "layers/dense", "keras_name": "attention_score", "weights": ["layers/dense/vars/0", "layers/dense/vars/1"]},
    {"name": "layers/embedding", "keras_name": "embedding", "weights": ["layers/embedding/vars/0"]},
    {"name": "layers/input_layer", "keras_name": "input_layer", "weights": []},
]


def bundle_of(folder, converted, *arguments):
    converted(*arguments, "-o", "m.safetensors")
    return reading.read_safetensors(folder / "m.safetensors")


def layers_of(folder, converted, tree, **options):
    builders.write_tree(folder / "m.weights.h5", tree, **options)
    return bundle_of(folder, converted, "m.weights.h5").json("layers")


# ---- good files ----

@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_archive(folder, converted, compression):
    builders.write_archive(folder / "m.keras", compression=compression)
    bundle = bundle_of(folder, converted, "m.keras")
    assert bundle.json("source") == {"layout": "keras-v3", "file": "m.keras"}
    assert bundle.json("layers") == SMALL_LAYERS
    assert bundle.metadata["model_config"] == CONFIG
    assert bundle.metadata["keras_version"] == "3.15.1"
    assert not {"backend", "assets", "choices"} & set(bundle.metadata)
    for group, (_, arrays) in small_tree().items():
        for index, array in enumerate(arrays):
            np.testing.assert_array_equal(bundle.tensors[f"{group}/vars/{index}"], array)


def test_weights(folder, converted):
    builders.write_tree(folder / "m.weights.h5")
    bundle = bundle_of(folder, converted, "m.weights.h5")
    assert bundle.json("source") == {"layout": "keras-v3-weights", "file": "m.weights.h5"}
    assert bundle.json("layers") == SMALL_LAYERS
    assert not {"model_config", "keras_version", "backend"} & set(bundle.metadata)


def test_weights_with_an_architecture(folder, converted):
    builders.write_tree(folder / "m.weights.h5")
    (folder / "c.json").write_text(CONFIG, encoding="utf-8")
    assert bundle_of(folder, converted, "m.weights.h5", "--config", "c.json").metadata["model_config"] == CONFIG


def test_output_name(folder, converted):
    builders.write_tree(folder / "m.weights.h5")
    converted("m.weights.h5", "--quiet")
    assert (folder / "m.weights.safetensors").exists()


def test_names_are_optional(folder, converted):
    layers = layers_of(folder, converted, small_tree(), names=False)
    assert layers == [{key: value for key, value in layer.items() if key != "keras_name"} for layer in SMALL_LAYERS]


def test_order_of_paths_is_that_of_code_points(folder, converted):
    tree = {path: (None, [numbers(1)]) for path in ("layers/dense_1", "layers/dense/cell", "layers/dense_10", "layers/dense", "layers/dense_2",
                                                    "layers/\U00010000", "layers/\uff5e")}
    names = [layer["name"] for layer in layers_of(folder, converted, tree, names=False)]
    assert names == ["layers/dense", "layers/dense/cell", "layers/dense_1", "layers/dense_10", "layers/dense_2", "layers/\uff5e",
                     "layers/\U00010000"]


def test_order_within_an_object_is_that_of_indices_and_then_of_names(folder, converted):
    keys = ["10", "2", "0", "idf_weights", "00", "1234567890", "Kernel", "3a"]
    layer, = layers_of(folder, converted, {"layers/dense": ("d", {key: numbers(1, start=i) for i, key in enumerate(keys)})})
    assert layer["weights"] == [f"layers/dense/vars/{key}" for key in ("0", "2", "10", "00", "1234567890", "3a", "Kernel", "idf_weights")]


def test_the_state_of_training_is_left_out(folder, converted):
    state = ("adam", [np.int64(3), numbers(3, 2)])
    tree = {
        **small_tree(), "optimizer": state, "optimizer/inner": state, "metrics/mean": ("mean", [np.float32(1)]),
        "layers/functional": ("inner", []), "layers/functional/layers/dense": ("d", [numbers(1)]), "layers/functional/optimizer": state,
        "layers/sequential": ("old", []), "layers/sequential/_layer_checkpoint_dependencies/dense": ("d", [numbers(1)]),
        "layers/sequential/metrics/mean": state,
        # a layer of one's own may call its sublayers anything
        "layers/own/optimizer": ("o", [numbers(2)]),
    }
    layers = layers_of(folder, converted, tree)
    assert [layer["name"] for layer in layers] == [
        "", "layers/dense", "layers/embedding", "layers/functional", "layers/functional/layers/dense", "layers/input_layer",
        "layers/own/optimizer", "layers/sequential", "layers/sequential/_layer_checkpoint_dependencies/dense"]


def test_the_tree_of_2_13(folder, converted):
    assert [layer["name"] for layer in layers_of(folder, converted, {"_layer_checkpoint_dependencies/dense": ("d", [numbers(2)])})] == [
        "_layer_checkpoint_dependencies/dense"]


def test_a_legacy_file_with_a_layer_of_that_name(folder, converted):
    layers = {"layers": {"layers/kernel:0": numbers(1)}, "vars": {}}
    builders.write_model(folder / "m.h5", layers, full=False)
    assert [layer["name"] for layer in bundle_of(folder, converted, "m.h5").json("layers")] == ["layers", "vars"]
    builders.write_model(folder / "m.h5", layers, full=False, layer_name_parts=2)
    assert [layer["name"] for layer in bundle_of(folder, converted, "m.h5").json("layers")] == ["layers", "vars"]


def test_arrays_that_are_no_weights(folder, converted):
    tree = {"layers/normalization": ("n", [np.bool_(True), numbers(2), np.int64(3), np.array(b"x")])}
    assert layers_of(folder, converted, tree) == [{
        "name": "layers/normalization", "keras_name": "n", "weights": ["layers/normalization/vars/1"],
        "left_out": {"layers/normalization/vars/0": "enumeration", "layers/normalization/vars/2": "integer",
                     "layers/normalization/vars/3": "string"}}]


def test_assets(folder, converted):
    texts = {"layers/text_vectorization/vocabulary.txt": "\n[UNK]\r\nthé\ufeff", "a/b.txt": "\ufeffmark", "layers/\U00010000": "", "layers/\uff5e": "x"}
    members = {"assets/": "", **keras_members(), **{f"assets/{name}": text.encode() for name, text in texts.items()}, "README.md": b"\xff"}
    builders.write_archive(folder / "m.keras", members)
    bundle = bundle_of(folder, converted, "m.keras")
    assert bundle.json("assets") == texts
    assert list(bundle.json("assets")) == ["a/b.txt", "layers/text_vectorization/vocabulary.txt", "layers/\uff5e", "layers/\U00010000"]


def test_hdf5_under_the_name_of_an_archive(folder, converted):
    """Keras 2.12 writes legacy HDF5 whatever the name."""
    builders.write_model(folder / "m.keras")
    assert bundle_of(folder, converted, "m.keras").json("source") == {"layout": "keras-hdf5", "file": "m.keras"}


def test_parity_names_layers_as_keras_does(folder, converted):
    config = json.dumps({"class_name": "Functional", "config": {"layers": [{"class_name": "Add", "name": "inner_add"}]}})
    builders.write_archive(folder / "m.keras", keras_members(config=config))
    array = {"shape": [1], "values": [0.5]}
    builders.write_json(folder / "p.json", builders.parity(outputs={"attention_score": array}, attention={"inner_add": array}))
    assert "parity" in bundle_of(folder, converted, "m.keras", "--parity", "p.json").metadata


def test_parity_of_layers_that_are_nowhere(folder, convert):
    builders.write_archive(folder / "m.keras")
    builders.write_json(folder / "p.json", builders.parity(outputs={"layers/dense": {"shape": [1], "values": [0.5]}}, attention=None))
    assert_refused(convert("m.keras", "--parity", "p.json"), 'p.json: cases[0]: outputs: expected layers of the model, found "layers/dense". '
                   "Name layers as Keras does.", folder)


def test_two_architectures(folder, convert):
    builders.write_archive(folder / "m.keras")
    builders.write_json(folder / "c.json", {"class_name": "Model", "config": {}})
    result = convert("m.keras", "--config", "c.json")
    assert (result.code, result.err) == (2, "convert.py: --config: expected no architecture beside the file's own, "
                                            "found that m.keras holds one. Leave --config out.\n")


# ---- bad archives ----

def legacy_bytes():
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        builders.set_strings(file, "layer_names", ["dense"])
        file["dense/kernel:0"] = numbers(2)
    return stream.getvalue()


def without(name):
    return {key: value for key, value in keras_members().items() if key != name}


MEMBERS = {
    "no metadata": (without("metadata.json"), 'm.keras: expected a file "metadata.json" in the archive, '
                                              f'found "config.json", "model.weights.h5". {SAVE_KERAS}'),
    "no config": (without("config.json"), 'm.keras: expected a file "config.json" in the archive, '
                                          f'found "metadata.json", "model.weights.h5". {SAVE_KERAS}'),
    "no weights": (without("model.weights.h5"), 'm.keras: expected a file "model.weights.h5" in the archive, '
                                                f'found "config.json", "metadata.json". {SAVE_KERAS}'),
    "npz": ({**without("model.weights.h5"), "model.weights.npz": "x"},
            'm.keras: expected a file "model.weights.h5" in the archive, found "config.json", "metadata.json", "model.weights.npz". '
            f"Weights in another format, or in parts, are not read. {SAVE_KERAS}"),
    "in parts": ({**without("model.weights.h5"), "model.weights.json": "{}", "model_00000.weights.h5": "x"},
                 'm.keras: expected a file "model.weights.h5" in the archive, found "config.json", "metadata.json", "model.weights.json", '
                 f'"model_00000.weights.h5". Weights in another format, or in parts, are not read. {SAVE_KERAS}'),
    "a folder for the weights": ({**without("model.weights.h5"), "model.weights.h5/": ""},
                                 'm.keras: expected a file "model.weights.h5" in the archive, found "config.json", "metadata.json". '
                                 + SAVE_KERAS),
    "out of the archive": ({**keras_members(), "assets/../../etc/passwd": "x"},
                           'm.keras: "assets/../../etc/passwd": expected a name of a file inside of the archive, '
                           f"found one that could lead out of it. {SAVE_KERAS}"),
    "absolute": ({**keras_members(), "/etc/passwd": "x"}, 'm.keras: "/etc/passwd": expected a name of a file inside of the archive, '
                                                          f"found one that could lead out of it. {SAVE_KERAS}"),
    "backslash": ({**keras_members(), "assets\\a.txt": "x"}, 'm.keras: "assets\\a.txt": expected a name of a file inside of the archive, '
                                                             f"found one that could lead out of it. {SAVE_KERAS}"),
    "metadata is no JSON": (keras_members(metadata="{"), "m.keras: metadata.json: expected JSON, found expecting property name enclosed "
                                                         "in double quotes at line 1, column 2."),
    "metadata without a version": (keras_members(metadata='{"keras_version": 3}'),
                                   'm.keras: metadata.json: expected an object with a string "keras_version", found other JSON. ' + SAVE_KERAS),
    "metadata is not UTF-8": (keras_members(metadata=b'{"a": "\xe9"}'), "m.keras: metadata.json: expected UTF-8 text, found the byte 0xe9 "
                                                                        f"at offset 7. {DAMAGED}"),
    "metadata too large": (keras_members(metadata=" " * (2**20 + 1)), "m.keras: metadata.json: expected at most 1,048,576 bytes, found 1,048,577."),
    "config is no architecture": (keras_members(config='{"a": 1}'), "m.keras: config.json: expected an architecture with class_name and config, "
                                                                    "found other JSON. Write the file with model.to_json()."),
    "config too large": (keras_members(config=" " * (2**24 + 1)), "m.keras: config.json: expected at most 16,777,216 bytes, found 16,777,217."),
    "asset is not text": ({**keras_members(), "assets/spm.model": b"\x80"}, "m.keras: assets/spm.model: expected UTF-8 text, "
                                                                            f"found the byte 0x80 at offset 0. {DAMAGED}"),
    "assets too large together": ({**keras_members(), "assets/a": "x" * 2**23, "assets/b": "x" * (2**23 + 1)},
                                  "m.keras: assets/b: expected at most 8,388,608 bytes, found 8,388,609."),
    "weights are no HDF5": (keras_members(weights=b"hello"), "m.keras: model.weights.h5: expected an HDF5 file, found 5 bytes of something "
                                                             f"else. {DAMAGED}"),
    "weights cut off": (keras_members(weights=tree_bytes()[:3000]),
                        f"m.keras: model.weights.h5: expected a whole HDF5 file, found 3,000 of its {len(tree_bytes()):,} bytes. {DAMAGED}"),
    "weights in the legacy layout": (keras_members(weights=legacy_bytes()),
                                     f'm.keras: model.weights.h5: expected a model\'s weights, found no group "vars". {SAVE_H5}'),
}


@pytest.mark.parametrize("case", MEMBERS)
def test_bad_members(folder, convert, case):
    members, message = MEMBERS[case]
    builders.write_archive(folder / "m.keras", members, zipfile.ZIP_DEFLATED)
    assert_refused(convert("m.keras"), message, folder)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_twice(folder, convert):
    builders.write_archive(folder / "m.keras")
    with zipfile.ZipFile("m.keras", "a") as archive:
        archive.writestr("config.json", '{"class_name": "Other", "config": {}}')
    assert_refused(convert("m.keras"), f'm.keras: "config.json": expected every file once, found the name twice. {SAVE_KERAS}', folder)


def test_a_bomb(folder, convert):
    """4 GiB of zeros, as the directory says, in 30 bytes."""
    builders.write_archive(folder / "m.keras", compression=zipfile.ZIP_DEFLATED)
    patch_entry(folder / "m.keras", "model.weights.h5", 24, struct.pack("<I", 2**32 - 2))
    assert_refused(convert("m.keras"), "m.keras: model.weights.h5: expected at most 2,147,483,648 bytes, found 4,294,967,294.", folder)


def patch_entry(path, name, offset, content):
    """Overwrites a field of a member's entry in the archive's directory."""
    data = bytearray(path.read_bytes())
    entry = data.rindex(name.encode()) - 46
    assert data[entry:entry + 4] == b"PK\x01\x02"
    data[entry + offset:entry + offset + len(content)] = content
    path.write_bytes(data)


ENTRIES = {
    "encrypted": (8, b"\x01\x00", "expected a file that is not encrypted, found that it is. " + SAVE_KERAS),
    "bzip2": (10, b"\x0c\x00", f"expected no compression, or deflate, found the method 12 (bzip2). {SAVE_KERAS}"),
    "an unknown method": (10, b"\xff\x00", f"expected no compression, or deflate, found the method 255 (an unknown one). {SAVE_KERAS}"),
    "another checksum": (16, b"\0\0\0\0", f"expected a readable ZIP archive, found an error: Bad CRC-32 for file 'config.json'. {DAMAGED}"),
    "larger than it is": (24, struct.pack("<I", 5000), f"expected 5,000 bytes, found {len(CONFIG.encode())}. {DAMAGED}"),
    "smaller than it is": (24, struct.pack("<I", 10), f"expected a readable ZIP archive, found an error: Bad CRC-32 for file 'config.json'. {DAMAGED}"),
}


@pytest.mark.parametrize("case", ENTRIES)
def test_bad_entries(folder, convert, case):
    offset, content, message = ENTRIES[case]
    builders.write_archive(folder / "m.keras", compression=zipfile.ZIP_DEFLATED)
    patch_entry(folder / "m.keras", "config.json", offset, content)
    assert_refused(convert("m.keras"), f"m.keras: config.json: {message}", folder)


def test_every_truncation_is_noticed(folder, convert):
    data = builders.write_archive(folder / "m.keras").read_bytes()
    for length in range(1, len(data), 997):
        (folder / "m.keras").write_bytes(data[:length])
        result = convert("m.keras")
        assert result.code == 1 and result.err.startswith("convert.py: m.keras: expected a Keras file (.keras, .h5, .hdf5), found "), length


def test_damage_is_noticed_or_harmless(folder, convert):
    """The archive's checksums cover all that is read."""
    data = builders.write_archive(folder / "m.keras").read_bytes()
    assert convert("m.keras").code == 0
    whole = (folder / "m.safetensors").read_bytes()
    rng = random.Random(21)
    codes = []
    for _ in range(150):
        damaged = bytearray(data)
        # Half of the flips in the directory at the end, which the checksums do not cover.
        damaged[rng.randrange(len(data) - 300 if rng.random() < 0.5 else 0, len(data))] ^= 1 << rng.randrange(8)
        (folder / "m.keras").write_bytes(damaged)
        result = convert("m.keras", "--force")
        codes.append(result.code)
        if result.code == 0:
            assert (folder / "m.safetensors").read_bytes() == whole
        else:
            assert result.code == 1
            assert re.fullmatch(r"convert\.py: m\.keras: .*expected .*, found .*\n", result.err), result.err
    assert codes.count(1) > 75 and codes.count(0) > 5


# ---- bad trees ----

def array_elsewhere(file):
    file["layers/dense/kernel"] = numbers(2)


def array_below_an_array_group(file):
    file["layers/dense/vars/own/0"] = numbers(2)


def soft_link(file):
    file["layers/dense/vars/2"] = h5py.SoftLink("/layers/embedding/vars/0")


def external_link(file):
    file["layers/other"] = h5py.ExternalLink("/etc/hostname", "/")


def cycle(file):
    file["layers/dense/vars/2"] = file["layers"]


def name_is_a_number(file):
    file["layers/dense/vars"].attrs["name"] = 3


def name_is_a_list(file):
    file["layers/dense/vars"].attrs["name"] = np.array([b"a", b"b"])


def opaque(file):
    file["layers/dense/vars/2"] = np.zeros(2, "V2")


def not_finite(file):
    file["layers/dense/vars/2"] = np.float32([1, np.nan])


def bomb(file):
    file.create_dataset("layers/dense/vars/2", shape=(2**20, 2**20), dtype="<f4")


def training_only(file):
    file.move("vars", "optimizer/vars")
    del file["layers"]
    file.create_group("layers")


def empty(file):
    del file["vars"], file["layers"]
    file.create_group("layers")


LINKED = "(links are never followed). " + SAVE_AGAIN
TREES = {
    array_elsewhere: f'layers/dense/kernel: expected every array in a group "vars", found one elsewhere. {SAVE_KERAS}',
    array_below_an_array_group: f'layers/dense/vars/own/0: expected every array in a group "vars", found one elsewhere. {SAVE_KERAS}',
    soft_link: f"layers/dense/vars/2: expected the data itself, found a soft link {LINKED}",
    external_link: f"layers/other: expected the data itself, found a link to another file {LINKED}",
    cycle: f"layers/dense/vars/2: expected an object of its own, found a second link to one seen before. {SAVE_AGAIN}",
    name_is_a_number: f"layers/dense/vars: name: expected strings, found int64. {DAMAGED}",
    name_is_a_list: f"layers/dense/vars: name: expected one string, found an array of shape [2]. {DAMAGED}",
    opaque: "layers/dense/vars/2: expected IEEE numbers of type float16, float32 or float64, found |V2. Weights of other types cannot be run.",
    not_finite: "layers/dense/vars/2: expected finite numbers, found nan at [1] (1 such value). "
                "The training diverged: use an earlier checkpoint.",
    bomb: f"layers/dense/vars/2: expected 4,398,046,511,104 bytes for the shape [1048576, 1048576], found 0 bytes stored. {DAMAGED}",
    training_only: f"expected a model's weights, found the state of training only. {SAVE_H5}",
    empty: f'expected a model\'s weights, found no group "vars". {SAVE_H5}',
}


@pytest.mark.parametrize("archived", [False, True], ids=["weights", "archive"])
@pytest.mark.parametrize("damage", TREES, ids=lambda damage: damage.__name__)
def test_bad_trees(folder, convert, damage, archived):
    builders.write_tree(folder / "m.weights.h5")
    with h5py.File("m.weights.h5", "r+") as file:
        damage(file)
    source, where = "m.weights.h5", "m.weights.h5"
    if archived:
        builders.write_archive(folder / "m.keras", keras_members(weights=(folder / "m.weights.h5").read_bytes()))
        source, where = "m.keras", "m.keras: model.weights.h5"
    assert_refused(convert(source), f"{where}: {TREES[damage]}", folder)
