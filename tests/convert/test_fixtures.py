"""The files that real Keras wrote: every fixture, and the sample models of the page."""

import io
import json
import os
import zipfile

import h5py
import numpy as np
import pytest

import reading
from conftest import REPOSITORY

FIXTURES = REPOSITORY / "tests" / "fixtures"
SOURCES = ("model.h5", "model.keras", "weights.h5", "model.weights.h5")
CASES = sorted({path.parent for name in SOURCES for path in FIXTURES.rglob(name)})
SAMPLES = sorted(path.parent for path in (REPOSITORY / "web" / "models").glob("*/weights.best.hdf5"))
GENERATIONS = {"keras-2.15", "keras-2.2", "tf-1.15"}


def test_there_are_fixtures():
    assert GENERATIONS <= {case.parent.name for case in CASES}
    assert SAMPLES


def arguments_of(case):
    """What the command line for a fixture is: its files, and text.json as options ({"one_hot": true} is --one-hot)."""
    arguments = [next(case / name for name in SOURCES if (case / name).exists())]
    for option, name in (("--config", "config.json"), ("--vocab", "vocab.json"), ("--parity", "parity.json")):
        if (case / name).exists():
            arguments += [option, case / name]
    if (case / "text.json").exists() and (case / "vocab.json").exists():
        for key, value in json.loads((case / "text.json").read_text()).items():
            option = "--" + key.replace("_", "-")
            if value is not False:
                arguments += [option] if value is True else [option, value]
    return arguments


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_fixture(folder, converted, case):
    arguments = arguments_of(case)
    converted(*arguments, "-o", "m.safetensors")
    bundle = reading.read_safetensors(folder / "m.safetensors")
    check_against_the_source(bundle, arguments[0])
    if (case / "config.json").exists():
        assert bundle.metadata["model_config"] == (case / "config.json").read_text(encoding="utf-8")
    check_texts(bundle)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_sample_model(folder, converted, sample):
    source = sample / "weights.best.hdf5"
    arguments = []
    for option, name in (("--vocab", "tokenizer.json"), ("--about", "about.json"), ("--parity", "parity.json")):
        if (sample / name).exists():
            arguments += [option, sample / name]
    converted(source, *arguments, "-o", "m.safetensors")
    bundle = reading.read_safetensors(folder / "m.safetensors")
    check_against_the_source(bundle, source)
    check_texts(bundle)


def check_against_the_source(bundle, path):
    """Every weight below the layers, none of the optimizer's, each with the file's own numbers and order."""
    if path.suffix == ".keras":
        check_against_the_archive(bundle, path)
        return
    with h5py.File(path, "r") as file:
        if "vars" in file:
            check_against_the_tree(bundle, file)
            assert bundle.json("source") == {"layout": "keras-v3-weights", "file": os.path.basename(path)}
            return
        full = "model_weights" in file
        top = file["model_weights"] if full else file
        prefix = "model_weights/" if full else ""
        stored = {}

        def note(name, item):
            # Whole numbers are no weights: the counter of a layer that was adapted.
            if isinstance(item, h5py.Dataset) and not np.issubdtype(item.dtype, np.integer):
                stored[prefix + name] = item[()]

        top.visititems(note)
        order = [name.decode() if isinstance(name, bytes) else name for name in top.attrs["layer_names"]]
        config = file.attrs.get("model_config")
    assert [layer["name"] for layer in bundle.json("layers")] == order
    assert set(bundle.tensors) == set(stored)
    for name, array in stored.items():
        np.testing.assert_array_equal(bundle.tensors[name], array)
        assert bundle.tensors[name].dtype == array.dtype
    if config is not None:
        assert bundle.metadata["model_config"] == (config.decode() if isinstance(config, bytes) else config)
    assert bundle.json("source") == {"layout": "keras-hdf5" if full else "keras-hdf5-weights", "file": os.path.basename(path)}


def check_against_the_archive(bundle, path):
    """The files of the archive as they are, and the tree in it."""
    with zipfile.ZipFile(path) as archive:
        assert bundle.metadata["model_config"] == archive.read("config.json").decode()
        assert bundle.metadata["keras_version"] == json.loads(archive.read("metadata.json"))["keras_version"]
        assets = {name[len("assets/"):]: archive.read(name).decode() for name in archive.namelist() if name.startswith("assets/")}
        assert (bundle.json("assets") if "assets" in bundle.metadata else {}) == assets
        with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
            check_against_the_tree(bundle, file)
    assert bundle.json("source") == {"layout": "keras-v3", "file": os.path.basename(path)}


def check_against_the_tree(bundle, file):
    """Every array of the objects' own groups, none of the optimizer's, with the file's own numbers."""
    stored, names = {}, {}

    def visit(path, item):
        if isinstance(item, h5py.Dataset):
            stored[path] = item[()]
        elif path.rpartition("/")[2] == "vars" and not {"optimizer", "metrics"} & set(path.split("/")):
            names[path[:-len("vars")].rstrip("/")] = item.attrs.get("name")

    file.visititems(visit)
    stored = {path: array for path, array in stored.items() if not {"optimizer", "metrics"} & set(path.split("/"))}
    listed = bundle.json("layers")
    assert {layer["name"]: layer.get("keras_name") for layer in listed} == names
    assert [layer["name"] for layer in listed] == sorted(names)
    for layer in listed:
        prefix = f"{layer['name']}/vars/" if layer["name"] else "vars/"
        assert layer["weights"] == [f"{prefix}{index}" for index in range(len(layer["weights"]))]
    assert set(bundle.tensors) == set(stored)
    for name, array in stored.items():
        np.testing.assert_array_equal(bundle.tensors[name], array)
        assert bundle.tensors[name].dtype == array.dtype


def check_texts(bundle):
    """Where the model has a vocabulary and Keras's own ids for texts: the bundle's `text` leads to the same ids."""
    if "text" not in bundle.metadata:
        return
    text = bundle.json("text")
    checked = 0
    cases = bundle.json("parity")["cases"]
    for case in cases:
        if "text" in case:
            for row in case["ids"]:
                assert encode(case["text"], text, len(row)) == row, case["name"]
            checked += 1
    assert checked or all("inputs" in case for case in cases)  # several inputs have no one text


def encode(source, text, timesteps):
    """A minimal encoder, by FORMAT.md section 5 alone."""
    if text["lower"]:
        source = source.lower()
    if text["unit"] == "word":
        for character in text["filters"]:
            source = source.replace(character, text["split"])
        tokens = [token for token in source.split(text["split"]) if token]
    else:
        tokens = list(source)
    ids = []
    for token in tokens:
        token_id = text["vocabulary"].get(token)
        if token_id is None or (text["num_words"] is not None and token_id >= text["num_words"]):
            token_id = text["oov"]
        if token_id != "drop":
            ids.append(token_id)
    timesteps = text["length"] or timesteps
    ids = ids[-timesteps:] if text["truncating"] == "pre" else ids[:timesteps]
    fill = [text["pad"]] * (timesteps - len(ids))
    return fill + ids if text["padding"] == "pre" else ids + fill
