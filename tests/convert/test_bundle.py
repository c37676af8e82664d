"""FORMAT.md sections 1 to 4, from the writing side. `reading` asserts every MUST of the form while it reads."""

import hashlib
import json

import numpy as np
import pytest
import safetensors
import safetensors.numpy

import builders
import reading
from builders import numbers
from charglow_convert import bundle
from charglow_convert.errors import ConvertError
from charglow_convert.model import Tensor


def test_all_of_the_metadata(folder, converted):
    builders.write_model(folder / "weights.best.hdf5", optimizer=True)
    builders.write_json(folder / "vocab.json", {"b": 2, "a": 1})
    builders.write_json(folder / "about.json", {
        "examples": [{"note": "why", "text": "é\n", "title": "T"}], "licence": "MIT", "title": "Naïve", "labels": ["a", "b"]})
    (folder / "parity.json").write_text(json.dumps(builders.parity(), indent=2))
    converted("weights.best.hdf5", "--vocab", "vocab.json", "--about", "about.json", "--parity", "parity.json",
              "--padding", "post", "--truncating", "pre", "--pad", "0", "--oov", "drop", "--lower", "--unit", "char",
              "--length", "3", "--one-hot")
    bundle = reading.read_safetensors(folder / "weights.best.safetensors")
    metadata = dict(bundle.metadata)
    assert metadata.pop("digest").startswith("sha256:")
    assert metadata == {
        "format": "charglow/1",
        "source": '{"layout":"keras-hdf5","file":"weights.best.hdf5"}',
        "layers": '[{"name":"input_1","weights":[]},'
                  '{"name":"embedding","weights":["model_weights/embedding/embedding/embeddings:0"]},'
                  '{"name":"dense","weights":["model_weights/dense/dense/kernel:0","model_weights/dense/dense/bias:0"]}]',
        "keras_version": "2.15.0",
        "backend": "tensorflow",
        "model_config": builders.CONFIG,  # byte for byte, its spaces and escapes included
        "text": '{"unit":"char","vocabulary":{"a":1,"b":2},"num_words":null,"lower":true,"oov":"drop","pad":0,'
                '"padding":"post","truncating":"pre","length":3,"one_hot":true,"assumed":[]}',
        "labels": '["a","b"]',
        "title": "Naïve",
        "licence": "MIT",
        "examples": '[{"text":"é\\n","title":"T","note":"why"}]',
        "parity": '{"made_with":{"keras":"2.15.0"},"cases":[{"name":"one","text":"ab","ids":[[0,1,2]],'
                  '"outputs":{"dense":{"shape":[1,2],"values":[1e-07,0.5]}},'
                  '"attention":{"embedding":{"shape":[1,3],"values":[0.25,0.25,0.5]}}}]}',
    }
    assert list(bundle.metadata) == ["format", "digest"] + list(metadata)[1:], "the order of FORMAT.md's table"
    for name, array in (("embedding/embedding/embeddings:0", numbers(5, 3)), ("dense/dense/kernel:0", numbers(3, 2, start=100)),
                        ("dense/dense/bias:0", numbers(2, start=-50))):
        np.testing.assert_array_equal(bundle.tensors["model_weights/" + name], array)


def test_the_bytes_are_pinned(folder, converted):
    """Any change of the bytes is a change of the format: other writers must make the same."""
    builders.write_model(folder / "m.h5")
    converted("m.h5", "--charset", "ab é", "--labels", "ham,spam")
    data = (folder / "m.safetensors").read_bytes()
    assert hashlib.sha256(data).hexdigest() == "74ad86d176c9c9cad7f643bda0031d6d61df4872bd225774b71a04cb71ca0e81"


def test_same_input_same_bytes(folder, converted):
    builders.write_model(folder / "m.h5")
    converted("m.h5", "-o", "a.safetensors")
    converted("m.h5", "-o", "b.safetensors")
    assert (folder / "a.safetensors").read_bytes() == (folder / "b.safetensors").read_bytes()


def test_the_safetensors_library_opens_it(folder, converted):
    builders.write_model(folder / "m.h5", {"a": {"a/k": numbers(2, 3), "a/s": numbers(), "a/none": numbers(0, 4)},
                                           "b": {"b/k": numbers(3, dtype="<f8"), "b/h": numbers(3, dtype="<f2")}})
    converted("m.h5")
    tensors = safetensors.numpy.load_file(folder / "m.safetensors")
    own = reading.read_safetensors(folder / "m.safetensors")
    assert set(tensors) == set(own.tensors) and len(tensors) == 5
    for name, array in tensors.items():
        np.testing.assert_array_equal(array, own.tensors[name])
        assert array.dtype == own.tensors[name].dtype
    with safetensors.safe_open(folder / "m.safetensors", "numpy") as file:
        assert file.metadata() == own.metadata


def test_falling_dtype_size_then_layer_order(folder, converted):
    builders.write_model(folder / "m.h5", {
        "z": {"z/half": numbers(3, dtype="<f2"), "z/b": numbers(1), "z/a": numbers(2)},
        "a": {"a/double": numbers(2, dtype="<f8"), "a/half": numbers(1, dtype="<f2"), "a/k": numbers(3)},
    }, full=False)
    converted("m.h5")
    assert list(reading.read_safetensors(folder / "m.safetensors").tensors) == [
        "a/a/double", "z/z/b", "z/z/a", "a/a/k", "z/z/half", "a/a/half"]


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8"])
def test_json_form_equals_binary_form(folder, converted, dtype):
    random = np.random.default_rng(5)
    info = np.finfo(dtype)
    special = np.array([0.0, -0.0, info.tiny, np.nextafter(info.dtype.type(0), info.dtype.type(1)), info.max, -info.max, info.eps, 0.1, 1e-5, 3.0], dtype)
    values = np.concatenate([special, (random.standard_normal(90) * 10.0 ** random.integers(-4, 4, 90)).astype(dtype)])
    builders.write_model(folder / "m.h5", {"a": {"a/k": values.reshape(10, 10), "a/s": values[0], "a/none": values[:0]}})
    converted("m.h5")
    converted("m.h5", "-o", "m.json")
    binary, text = reading.read_safetensors(folder / "m.safetensors"), reading.read_json(folder / "m.json")
    assert text.metadata == binary.metadata and list(text.metadata) == list(binary.metadata)
    assert list(text.tensors) == list(binary.tensors) and text.dtypes == binary.dtypes
    for name, array in binary.tensors.items():
        assert text.tensors[name].tobytes() == array.tobytes(), "the sign of zero included"


def test_json_form_is_short(folder, converted):
    builders.write_model(folder / "m.h5", {"a": {"a/k": np.array([0.1, -2.5], "<f4")}}, full=False)
    converted("m.h5", "--format", "json")
    assert (folder / "m.json").read_text().endswith('"tensors":{\n"a/a/k":{"dtype":"F32","shape":[2],"data":[0.1,-2.5]}}}\n')


def test_form_follows_the_option_then_the_name(folder, converted):
    builders.write_model(folder / "m.h5")
    converted("m.h5", "--format", "json", "-o", "x.bin")
    reading.read_json(folder / "x.bin")
    converted("m.h5", "-o", "Y.JSON")
    reading.read_json(folder / "Y.JSON")
    converted("m.h5", "--format", "safetensors", "-o", "z.json")
    reading.read_safetensors(folder / "z.json")


def test_a_header_that_is_too_long_is_refused(folder, convert):
    builders.write_model(folder / "m.h5", full=False)
    builders.write_json(folder / "config.json", {"class_name": "Model", "config": {"name": "x" * (16 * 1024 * 1024)}})
    result = convert("m.h5", "--config", "config.json")
    assert result.code == 1
    assert result.err.startswith("convert.py: m.safetensors: expected at most 16,777,216 bytes of header, found 16,777,")
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "m.h5"]


def test_the_source_is_named_without_folders(folder, converted):
    (folder / "sub").mkdir()
    builders.write_model(folder / "sub" / "m.h5")
    converted("sub/m.h5")
    assert reading.read_safetensors(folder / "sub" / "m.safetensors").json("source")["file"] == "m.h5"


def test_a_source_that_changes_meanwhile_is_refused(folder):
    readings = iter([numbers(2), numbers(2, start=1)])
    changing = Tensor(name="k", dtype="F32", shape=(2,), where="m.h5: k", read=lambda: next(readings))
    with pytest.raises(ConvertError) as error:
        bundle.write("m.safetensors", "safetensors", {"format": "charglow/1"}, [changing])
    assert str(error.value) == ("m.h5: k: expected the same numbers at both readings, found others. "
                                "The file is being written: wait until training has saved it.")
    assert list(folder.iterdir()) == []
