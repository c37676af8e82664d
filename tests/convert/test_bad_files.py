"""What the converter says about files it cannot use. The texts are pinned: they are all that a user has to go by."""

import io
import json
import pickle
import struct
import zipfile

import h5py
import numpy as np
import pytest

import builders
from builders import numbers

DAMAGED = "The file is damaged or incomplete: copy or download it again."
SAVE_AGAIN = "Load the model in Keras and save it again as .h5."
SAVE_H5 = 'In Keras: model.save("model.h5").'
PICKLE = "Pickles are never opened: they can run code. " + SAVE_H5
JSON_HINT = "The weights are in another file; give an architecture by --config, a vocabulary by --vocab."


def zipped(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    return buffer.getvalue()


NOT_HDF5 = {
    "empty": (b"", "an empty file. Download the file itself again."),
    "five bytes": (b"hello", "5 bytes of something else. " + SAVE_H5),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(20), "what looks like a PNG image."),
    "jpeg": (b"\xff\xd8\xff\xe0" + bytes(20), "what looks like a JPEG image."),
    "pdf": (b"%PDF-1.7\n", "what looks like a PDF document."),
    "zip": (zipped("model.h5"), "what looks like a ZIP archive. Unpack it first."),
    "torch": (zipped("archive/data.pkl"), "what looks like a PyTorch model. Only Keras models can be read."),
    "zip cut off": (zipped("a")[:-10], "what looks like a damaged ZIP archive. Download the file itself again."),
    "gzip": (b"\x1f\x8b\x08" + bytes(20), "what looks like a gzip archive. Unpack it first."),
    "tar": (bytes(257) + b"ustar" + bytes(250), "what looks like a tar archive. Unpack it first."),
    "html": (b"\n <!DOCTYPE html><title>404</title>", "what looks like a web page (HTML). Download the file itself again."),
    "html with mark": (b"\xef\xbb\xbf<html>", "what looks like a web page (HTML). Download the file itself again."),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
            "what looks like a Git LFS pointer, not the file itself. Run `git lfs pull`, or download the file itself."),
    "pickle": (pickle.dumps({"a": 1}), "what looks like a Python pickle. " + PICKLE),
    "npy": (b"\x93NUMPY\x01\x00", "what looks like a NumPy array (.npy). " + SAVE_H5),
    "tflite": (b"\x1c\0\0\0TFL3" + bytes(9), "what looks like a TensorFlow Lite model. " + SAVE_H5),
    "gguf": (b"GGUF\3\0\0\0", "what looks like a GGUF model. " + SAVE_H5),
    "json": (b'{"class_name": "Functional"}', "what looks like JSON. " + JSON_HINT),
    "bundle": (struct.pack("<Q", 32) + b'{"__metadata__":{}}', "what looks like a safetensors file. "
               "It needs no conversion if it is a bundle: open it as it is."),
}


@pytest.mark.parametrize("case", NOT_HDF5)
def test_files_of_other_kinds(folder, convert, case):
    content, found = NOT_HDF5[case]
    (folder / "m.h5").write_bytes(content)
    assert_refused(convert("m.h5"), f"m.h5: expected a Keras file (.keras, .h5, .hdf5), found {found}", folder)


def assert_refused(result, message, folder):
    assert result.err == f"convert.py: {message}\n"
    assert (result.code, result.out) == (1, "")
    assert not [path for path in folder.iterdir() if "safetensors" in path.name]


def test_no_file(folder, convert):
    assert_refused(convert("none.h5"), "none.h5: expected a Keras file (.keras, .h5, .hdf5), found no such file or directory.", folder)


def test_a_folder(folder, convert):
    (folder / "saved").mkdir()
    assert_refused(convert("saved"), "saved: expected a Keras file (.keras, .h5, .hdf5), found a folder. "
                   "A SavedModel folder cannot be read. " + SAVE_H5, folder)


def test_a_folder_with_a_keras_3_model(folder, convert):
    (folder / "saved").mkdir()
    builders.write_tree(folder / "saved" / "model.weights.h5")
    assert_refused(convert("saved"), "saved: expected a Keras file (.keras, .h5, .hdf5), found a folder with a Keras 3 model. "
                   "Give its model.weights.h5, with its config.json as --config.", folder)


def test_a_truncated_file(folder, convert):
    data = builders.write_model(folder / "whole.h5").read_bytes()
    (folder / "m.h5").write_bytes(data[:3000])
    assert_refused(convert("m.h5"), f"m.h5: expected a whole HDF5 file, found 3,000 of its {len(data):,} bytes. {DAMAGED}", folder)


def test_a_file_that_is_being_written(folder, convert):
    builders.write_model(folder / "m.h5")
    with h5py.File("m.h5", "r+") as file:
        file.flush()
        # Within one process HDF5 notices by itself; another process meets the lock.
        result = run_in_a_process("m.h5")
    assert result.returncode == 1
    assert result.stderr == ("convert.py: m.h5: expected a file that nobody is writing, found that it is locked. "
                             "Wait until training has saved it, or copy it first.\n")


def run_in_a_process(*arguments):
    import subprocess
    import sys
    from conftest import REPOSITORY
    return subprocess.run([sys.executable, REPOSITORY / "scripts" / "convert.py", *arguments], capture_output=True, text=True)


# ---- HDF5, but not a model this converter reads ----

def empty_hdf5(file):
    pass


def other_hdf5(file):
    for name in "fedcba":
        file.create_group(name)


def optimizer_only(file):
    file.create_group("optimizer_weights")


def architecture_only(file):
    file.attrs["model_config"] = builders.CONFIG


def keras0(file):
    file.attrs["nb_layers"] = 3


MODEL_EXPECTED = 'm.h5: expected a Keras model (a group "model_weights" or an attribute "layer_names"), found '
NOT_A_MODEL = {
    empty_hdf5: MODEL_EXPECTED + "an HDF5 file with nothing in it. " + SAVE_H5,
    other_hdf5: MODEL_EXPECTED + 'an HDF5 file with "a", "b", "c", "d", "e", …. ' + SAVE_H5,
    optimizer_only: "m.h5: expected a model's weights, found an optimizer's state only. " + SAVE_H5,
    architecture_only: 'm.h5: expected the weights (a group "model_weights"), found an architecture without weights. ' + SAVE_H5,
    keras0: "m.h5: expected a Keras file (.keras, .h5, .hdf5), found a file of Keras 0.x (attribute nb_layers). "
            "Load it in that version and save it with Keras 1.2 or later.",
}


@pytest.mark.parametrize("build", NOT_A_MODEL, ids=lambda build: build.__name__)
def test_hdf5_files_that_are_not_models(folder, convert, build):
    with h5py.File("m.h5", "w") as file:
        build(file)
    assert_refused(convert("m.h5"), NOT_A_MODEL[build], folder)


# ---- damage to a model: each function changes a good full model ----

KERNEL = "model_weights/dense/dense/kernel:0"


def replace_kernel(file, **options):
    del file[KERNEL]
    return file.create_dataset(KERNEL, **options)


def missing_layer(file):
    del file["model_weights/dense"]


def missing_weight(file):
    del file[KERNEL]


def missing_weight_names(file):
    del file["model_weights/dense"].attrs["weight_names"]


def missing_layer_names(file):
    del file["model_weights"].attrs["layer_names"]


def layer_twice(file):
    builders.set_strings(file["model_weights"], "layer_names", ["dense", "embedding", "dense"])


def weight_twice(file):
    builders.set_strings(file["model_weights/dense"], "weight_names", ["dense/kernel:0", "dense/kernel:0"])


def unlisted_weight(file):
    file["model_weights/dense/dense/extra"] = numbers(1)


def unlisted_layer(file):
    file["model_weights/more/w"] = numbers(1)
    file["model_weights/more/v"] = numbers(1)


def weight_outside(file):
    file["optimizer_weights/k"] = numbers(2)
    builders.set_strings(file["model_weights/dense"], "weight_names", ["/optimizer_weights/k"])


def weight_is_a_group(file):
    del file[KERNEL]
    file.create_group(KERNEL)


def layer_names_are_numbers(file):
    file["model_weights"].attrs["layer_names"] = np.arange(3)


def layer_names_are_one_string(file):
    file["model_weights"].attrs["layer_names"] = "dense"


def layer_names_are_a_table(file):
    file["model_weights"].attrs["layer_names"] = np.array([[b"a", b"b"]])


def layer_names_are_not_unicode(file):
    file["model_weights"].attrs["layer_names"] = np.array([b"\xff\xfe"])


def model_config_is_a_list(file):
    file.attrs["model_config"] = np.array([b"{}", b"{}"])


def weights_are_an_array(file):
    del file["model_weights"]
    file["model_weights"] = numbers(2)


STRUCTURE = {
    missing_layer: f'm.h5: layer "dense": expected a group "model_weights/dense" with its weights, found none. {DAMAGED}',
    missing_weight: f'm.h5: layer "dense": expected the weight "dense/kernel:0", found none of that name. {DAMAGED}',
    missing_weight_names: f'm.h5: layer "dense": expected the attribute weight_names, found none. {DAMAGED}',
    missing_layer_names: f"m.h5: model_weights/layer_names: expected the attribute that lists the layers, found none. {DAMAGED}",
    layer_twice: f'm.h5: model_weights/layer_names: expected every name once, found "dense" twice. {DAMAGED}',
    weight_twice: f'm.h5: model_weights/dense: weight_names: expected every name once, found "dense/kernel:0" twice. {DAMAGED}',
    unlisted_weight: "m.h5: model_weights/dense/dense/extra: expected every array to be a weight that one layer lists, "
                     f"found 1 array that no layer lists. {SAVE_AGAIN}",
    unlisted_layer: "m.h5: model_weights/more/v: expected every array to be a weight that one layer lists, "
                    f"found 2 arrays that no layer lists. {SAVE_AGAIN}",
    weight_outside: f'm.h5: layer "dense": expected the weight "/optimizer_weights/k", found none of that name. {DAMAGED}',
    weight_is_a_group: f'm.h5: layer "dense": expected the weight "dense/kernel:0", found none of that name. {DAMAGED}',
    layer_names_are_numbers: f"m.h5: model_weights: layer_names: expected strings, found int64. {DAMAGED}",
    layer_names_are_one_string: "m.h5: model_weights: layer_names: expected a list of strings, found an array of shape []. " + DAMAGED,
    layer_names_are_a_table: "m.h5: model_weights: layer_names: expected a list of strings, found an array of shape [1, 2]. " + DAMAGED,
    layer_names_are_not_unicode: "m.h5: model_weights: layer_names: expected UTF-8 text, "
                                 f"found undecodable bytes at character 0. {DAMAGED}",
    model_config_is_a_list: f"m.h5: model_config: expected one string, found an array of shape [2]. {DAMAGED}",
    weights_are_an_array: f"m.h5: model_weights: expected a group, found an array. {DAMAGED}",
}


@pytest.mark.parametrize("damage", STRUCTURE, ids=lambda damage: damage.__name__)
def test_damaged_structure(folder, convert, damage):
    assert_refused(convert(damaged(folder, damage)), STRUCTURE[damage], folder)


def damaged(folder, damage):
    builders.write_model(folder / "m.h5")
    with h5py.File("m.h5", "r+") as file:
        damage(file)
    return "m.h5"


# ---- files that reach outside of themselves, or claim what is not there ----

def external_link(file):
    with h5py.File("other.h5", "w") as other:
        other["k"] = numbers(3, 2)
    del file[KERNEL]
    file[KERNEL] = h5py.ExternalLink("other.h5", "/k")


def soft_link(file):
    del file[KERNEL]
    file[KERNEL] = h5py.SoftLink("/model_weights/embedding/embedding/embeddings:0")


def soft_linked_group(file):
    del file["model_weights/dense/dense"]
    file["model_weights/dense/dense"] = h5py.SoftLink("/")


def soft_linked_weights(file):
    file.move("model_weights", "elsewhere")
    file["model_weights"] = h5py.SoftLink("/elsewhere")


def hard_link(file):
    file["model_weights/zzz"] = file[KERNEL]


def cycle(file):
    file["model_weights/dense/dense/again"] = file["model_weights"]


def virtual_dataset(file):
    layout = h5py.VirtualLayout((3, 2), "<f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "k", (3, 2))
    del file[KERNEL]
    file.create_virtual_dataset(KERNEL, layout)


def external_storage(file):
    with open("secret.bin", "wb") as secret:
        secret.write(bytes(24))
    replace_kernel(file, shape=(3, 2), dtype="<f4", external=[("secret.bin", 0, 24)])


def contiguous_bomb(file):
    replace_kernel(file, shape=(2**20, 2**20), dtype="<f4")


def chunked_bomb(file):
    replace_kernel(file, shape=(2**20, 2**20), dtype="<f4", chunks=(64, 64), compression="gzip")


def chunk_bomb(file):
    """A small array in one chunk that unpacks to 1 GiB."""
    replace_kernel(file, shape=(3, 2), dtype="<f4", chunks=(2**14, 2**14), maxshape=(None, None), compression="gzip")


def overflowing_bomb(file):
    replace_kernel(file, shape=(2**31 - 1, 2**31 - 1, 2**31 - 1), dtype="<f8", chunks=(1, 1, 1))


def huge_dimension(file):
    replace_kernel(file, shape=(2**31, 1), dtype="<f4", chunks=(64, 1))


def nine_dimensions(file):
    replace_kernel(file, data=numbers(*[1] * 9))


def no_dataspace(file):
    replace_kernel(file, data=h5py.Empty("<f4"))


def unwritten_chunks(file):
    replace_kernel(file, shape=(300, 200), dtype="<f4", chunks=(100, 100))


def named_type(file):
    file["model_weights/dense/type"] = np.dtype("<f4")


def lossy_filter(file):
    replace_kernel(file, data=numbers(3, 2), chunks=(3, 2), scaleoffset=2)


LINKED = "(links are never followed). " + SAVE_AGAIN
HOSTILE = {
    external_link: f"m.h5: {KERNEL}: expected the data itself, found a link to another file {LINKED}",
    soft_link: f"m.h5: {KERNEL}: expected the data itself, found a soft link {LINKED}",
    soft_linked_group: f"m.h5: model_weights/dense/dense: expected the data itself, found a soft link {LINKED}",
    soft_linked_weights: f"m.h5: model_weights: expected the data itself, found a soft link {LINKED}",
    hard_link: f"m.h5: {KERNEL}: expected an object of its own, found a second link to one seen before. {SAVE_AGAIN}",
    cycle: "m.h5: model_weights/dense/dense/again: expected an object of its own, "
           f"found a second link to one seen before. {SAVE_AGAIN}",
    virtual_dataset: f"m.h5: {KERNEL}: expected the data itself, found a virtual dataset (other files are never opened). {SAVE_AGAIN}",
    external_storage: f"m.h5: {KERNEL}: expected the data itself, found external storage (other files are never opened). {SAVE_AGAIN}",
    contiguous_bomb: f"m.h5: {KERNEL}: expected 4,398,046,511,104 bytes for the shape [1048576, 1048576], "
                     f"found 0 bytes stored. {DAMAGED}",
    chunked_bomb: f"m.h5: {KERNEL}: expected 4,398,046,511,104 bytes for the shape [1048576, 1048576], "
                  f"found 0 bytes stored. {DAMAGED}",
    chunk_bomb: f"m.h5: {KERNEL}: expected 1,073,741,824 bytes for the shape [3, 2], found 0 bytes stored. {DAMAGED}",
    overflowing_bomb: f"m.h5: {KERNEL}: expected {8 * (2**31 - 1) ** 3:,} bytes for the shape "
                      f"[2147483647, 2147483647, 2147483647], found 0 bytes stored. {DAMAGED}",
    huge_dimension: f"m.h5: {KERNEL}: expected dimensions up to 2,147,483,647, found the shape [2147483648, 1].",
    nine_dimensions: f"m.h5: {KERNEL}: expected at most 8 dimensions, found 9.",
    no_dataspace: f"m.h5: {KERNEL}: expected an array, found an empty dataspace. {SAVE_AGAIN}",
    unwritten_chunks: f"m.h5: {KERNEL}: expected 240,000 bytes for the shape [300, 200], found 0 bytes stored. {DAMAGED}",
    named_type: f"m.h5: model_weights/dense/type: expected a group or an array, found a datatype. {SAVE_AGAIN}",
    lossy_filter: f"m.h5: {KERNEL}: expected no compression, gzip or lzf, found the HDF5 filter 6. {SAVE_AGAIN}",
}


@pytest.mark.parametrize("damage", HOSTILE, ids=lambda damage: damage.__name__)
def test_hostile_files(folder, convert, damage):
    assert_refused(convert(damaged(folder, damage)), HOSTILE[damage], folder)


def test_arrays_that_share_their_bytes(folder, convert):
    """A layout message patched to point at another array's bytes: a small file could claim any amount of memory."""
    builders.write_model(folder / "m.h5", {"dense": {"a": numbers(10000), "b": numbers(1)}})
    with h5py.File("m.h5", "r+") as file:
        address = file["model_weights/dense/a"].id.get_offset()
        del file["model_weights/dense/b"]
        file["model_weights/dense"].create_dataset("b", shape=(10000,), dtype="<f4")
    data = (folder / "m.h5").read_bytes()
    unallocated = b"\x03\x01" + b"\xff" * 8 + struct.pack("<Q", 40000)
    assert data.count(unallocated) == 1
    (folder / "m.h5").write_bytes(data.replace(unallocated, b"\x03\x01" + struct.pack("<QQ", address, 40000)))
    assert_refused(convert("m.h5"), f"m.h5: model_weights/dense/b: expected at most {len(data):,} bytes of weights "
                   f"(the file's size), found 80,000. {DAMAGED}", folder)


# ---- numbers ----

NO_TYPE = "expected IEEE numbers of type float16, float32 or float64, found {}. Weights of other types cannot be run."


@pytest.mark.parametrize("dtype, found", [
    (h5py.special_dtype(vlen=np.dtype("<f4")), "variable-length arrays"), (np.dtype("<c8"), "compound values"),
    (h5py.special_dtype(ref=h5py.Reference), "references"), (np.dtype([("a", "<f4"), ("b", "<f4")]), "compound values"),
    (np.dtype("V2"), "|V2"),  # how h5py stores bfloat16
], ids=["vlen", "complex", "reference", "compound", "opaque"])
def test_types_that_are_not_numbers(folder, convert, dtype, found):
    def damage(file):
        replace_kernel(file, shape=(2,), dtype=dtype)
    assert_refused(convert(damaged(folder, damage)), f"m.h5: {KERNEL}: " + NO_TYPE.format(found), folder)


def test_floats_of_another_layout(folder, convert):
    def damage(file):
        del file[KERNEL]
        kind = h5py.h5t.IEEE_F16LE.copy()
        kind.set_fields(15, 7, 8, 0, 7)
        kind.set_ebias(127)
        h5py.h5d.create(file["model_weights/dense/dense"].id, b"kernel:0", kind, h5py.h5s.create_simple((3, 2)))
    assert_refused(convert(damaged(folder, damage)), f"m.h5: {KERNEL}: " + NO_TYPE.format("a non-IEEE float of 16 bits"), folder)


@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f8"])
@pytest.mark.parametrize("value, name", [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")])
def test_weights_that_are_not_finite(folder, convert, dtype, value, name):
    array = numbers(3, 4, dtype=dtype)
    array[1, 2] = array[2, 0] = value
    builders.write_model(folder / "m.h5", {"gru": {"gru/kernel:0": array}}, full=False)
    assert_refused(convert("m.h5"), f"m.h5: gru/gru/kernel:0: expected finite numbers, found {name} at [1, 2] (2 such values). "
                   "The training diverged: use an earlier checkpoint.", folder)


def test_a_scalar_that_is_not_finite(folder, convert):
    builders.write_model(folder / "m.h5", {"a": {"s": np.float32(np.nan)}}, full=False)
    assert_refused(convert("m.h5"), "m.h5: a/s: expected finite numbers, found nan at [] (1 such value). "
                   "The training diverged: use an earlier checkpoint.", folder)


# ---- architectures ----

ARCHITECTURES = {
    "not JSON": ("{'a': 1}", "JSON, found expecting property name enclosed in double quotes at line 1, column 2."),
    "cut off": ('{"class_name": ', "JSON, found expecting value at line 1, column 16."),
    "duplicate key": ('{"config": {}, "class_name": "M", "config": {}}', 'every key once, found "config" twice.'),
    "NaN": ('{"class_name": "M", "config": {"x": NaN}}', "JSON numbers, found NaN."),
    "lone surrogate": ('{"class_name": "M", "config": {"name": "a\\ud800"}}',
                       'Unicode text, found the lone surrogate U+D800 in "a\\ud800".'),
    "too deep": ('{"class_name": "M", "config": ' + "[" * 200 + "]" * 200 + "}", "at most 200 levels of nesting, found more."),
    "bottomless": ("[" * 100000, "at most 200 levels of nesting, found more."),
    "a list": ("[]", "an architecture with class_name and config, found other JSON. Write the file with model.to_json()."),
    "other JSON": ('{"a": 1}', "an architecture with class_name and config, found other JSON. Write the file with model.to_json()."),
}


@pytest.mark.parametrize("case", ARCHITECTURES)
def test_architectures_in_the_file(folder, convert, case):
    content, message = ARCHITECTURES[case]
    builders.write_model(folder / "m.h5", config=content, strings="variable")
    assert_refused(convert("m.h5"), f"m.h5: model_config: expected {message}", folder)


@pytest.mark.parametrize("case", ARCHITECTURES)
def test_architectures_beside_the_file(folder, convert, case):
    content, message = ARCHITECTURES[case]
    builders.write_model(folder / "m.h5", full=False)
    (folder / "c.json").write_text(content)
    result = convert("m.h5", "--config", "c.json")
    hint = " Write the file with model.to_json()."
    assert_refused(result, f"c.json: expected {message if message.endswith(hint) else message + hint}", folder)


def test_depth_200_is_accepted(folder, convert):
    builders.write_model(folder / "m.h5", config='{"class_name": "M", "config": ' + "[" * 199 + "]" * 199 + "}")
    assert convert("m.h5").code == 0


@pytest.mark.parametrize("content, message", [
    ("{}".encode("utf-16"), "UTF-8 text, found UTF-16 text (as PowerShell's > writes). Save it again as UTF-8."),
    (b'{"a": "\xe9"}', "UTF-8 text, found the byte 0xe9 at offset 7."),
    (None, "a file that can be read, found no such file or directory."),
])
def test_text_files_that_are_not_text(folder, convert, content, message):
    builders.write_model(folder / "m.h5", full=False)
    if content is not None:
        (folder / "c.json").write_bytes(content)
    assert_refused(convert("m.h5", "--config", "c.json"), f"c.json: expected {message}", folder)


def test_names_cannot_play_with_the_terminal(folder, convert):
    builders.write_model(folder / "m.h5", {"a\x1b[31m\u202e": {"k\n": np.float32([np.nan])}}, full=False)
    result = convert("m.h5")
    assert result.err.startswith("convert.py: m.h5: a\\x1b[31m\\u202e/k\\n: expected finite numbers, found nan")


def test_hostile_code_is_carried_along_unopened(folder, convert):
    """A pickle in the architecture stays the text it is."""
    class Bomb:
        def __reduce__(self):
            return (open, (str(folder / "executed"), "w"))
    config = json.dumps({"class_name": "Model", "config": {"code": pickle.dumps(Bomb()).hex()}})
    builders.write_model(folder / "m.h5", config=config)
    assert convert("m.h5").code == 0
    assert not (folder / "executed").exists()
