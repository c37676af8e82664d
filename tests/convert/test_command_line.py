"""The entry point, usage errors, and the summary as a stranger sees it."""

import os
import subprocess
import sys

import numpy as np
import pytest

import builders
import reading
from conftest import REPOSITORY

SCRIPT = REPOSITORY / "scripts" / "convert.py"


def run(*arguments, **options):
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, **options)


def test_from_any_folder(folder):
    (folder / "elsewhere").mkdir()
    builders.write_model(folder / "m.h5")
    result = run("../m.h5", cwd=folder / "elsewhere")
    assert (result.returncode, result.stderr) == (0, "")
    reading.read_safetensors(folder / "m.safetensors")


def test_quiet(folder, converted):
    builders.write_model(folder / "m.h5")
    assert converted("m.h5", "--quiet").out == ""
    assert (folder / "m.safetensors").exists()


def test_help_is_complete(convert):
    result = convert("--help")
    assert result.code == 0
    for option in ("--output", "--format", "--config", "--force", "--quiet", "--vocab", "--charset", "--first-id", "--unit", "--lower",
                   "--no-lower", "--oov", "--pad", "--padding", "--truncating", "--length", "--one-hot", "--labels", "--title",
                   "--licence", "--about", "--parity", "--assume", "--lambda"):
        assert option in result.out


USAGE = {
    "no file": ((), "the following arguments are required: MODEL"),
    "two vocabularies": (("m.h5", "--vocab", "v", "--charset", "a"), "argument --charset: not allowed with argument --vocab"),
    "two cases": (("m.h5", "--lower", "--no-lower"), "argument --no-lower: not allowed with argument --lower"),
    "negative": (("m.h5", "--pad", "-1"), "argument --pad: expected a whole number from 0, found '-1'"),
    "no length": (("m.h5", "--length", "0"), "argument --length: expected a whole number from 1, found '0'"),
    "too large": (("m.h5", "--first-id", "9999999999"), "argument --first-id: expected a whole number from 0, found '9999999999'"),
    "oov": (("m.h5", "--oov", "unk"), "argument --oov: expected a whole number from 0, found 'unk'"),
    "abbreviation": (("m.h5", "--char", "abc"), "unrecognized arguments: --char abc"),
    "format": (("m.h5", "--format", "onnx"), "argument --format: invalid choice: 'onnx' (choose from "),
}


@pytest.mark.parametrize("case", USAGE)
def test_usage(folder, convert, case):
    arguments, message = USAGE[case]
    result = convert(*arguments)
    assert (result.code, result.out) == (2, "")
    assert f"convert.py: error: {message}" in result.err


@pytest.mark.parametrize("option", [("--unit", "word"), ("--lower",), ("--no-lower",), ("--oov", "1"), ("--pad", "0"), ("--padding", "pre"),
                                    ("--truncating", "pre"), ("--length", "5"), ("--one-hot",), ("--first-id", "0")], ids=" ".join)
def test_text_options_need_a_vocabulary(folder, convert, option):
    builders.write_model(folder / "m.h5")
    result = convert("m.h5", *option)
    name = "--lower" if option[0] == "--no-lower" else option[0]
    assert (result.code, result.err) == (2, f"convert.py: {name}: expected --vocab or --charset with it, found neither.\n")


def test_first_id_needs_a_charset(folder, convert):
    result = convert("m.h5", "--vocab", "v.json", "--first-id", "3")
    assert (result.code, result.err) == (2, "convert.py: --first-id: expected --charset with it, found none. "
                                            "A --vocab file has its own ids.\n")


def test_two_architectures(folder, convert):
    builders.write_model(folder / "m.h5")
    builders.write_json(folder / "c.json", {"class_name": "Model", "config": {}})
    result = convert("m.h5", "--config", "c.json")
    assert (result.code, result.err) == (2, "convert.py: --config: expected no architecture beside the file's own, "
                                            "found that m.h5 holds one. Leave --config out.\n")


def test_summary(folder, converted):
    builders.write_model(folder / "m.h5")
    builders.write_json(folder / "p.json", builders.parity())
    builders.write_json(folder / "about.json", {"title": "A title", "licence": "MIT", "examples": [{"text": "a"}, {"text": "b"}]})
    result = converted("m.h5", "--charset", "abC", "--oov", "4", "--length", "1250", "--labels", "ham,spam", "--about", "about.json",
                       "--parity", "p.json", "--one-hot", "--padding", "post")
    size = os.path.getsize("m.safetensors")
    digest = reading.read_safetensors(folder / "m.safetensors").metadata["digest"]
    assert result.out == f"""\
model         m.h5  ({os.path.getsize('m.h5') / 1e3:.3g} kB)
layout        HDF5, full model, Keras 2.15.0, tensorflow

layer      weight        shape  parameters
input_1
embedding  embeddings:0  5 × 3          15
dense      kernel:0      3 × 2           6
           bias:0            2           2

parameters    23 (F32)
text          characters, 3 tokens with ids 1 to 3, case kept, unknown ones get id 4
              filled with id 0 (post), cut (pre) to 1,250 timesteps as one-hot rows
assumed       - the first character, "a", has id 1
              - text is not lower-cased: the vocabulary has "C"
              - id 0 fills the unused timesteps
              - long texts are cut at the front (truncating "pre")
labels        ham, spam
title         A title
licence       MIT
examples      2
parity        1 case, made with keras 2.15.0

written       m.safetensors  ({size / 1e3:.3g} kB)
digest        {digest[:23]}…
"""


def test_summary_of_weights_alone(folder, converted):
    builders.write_model(folder / "m.h5", {"d\x1b[2J": {"k": builders.numbers(10), "s": builders.numbers()}}, full=False,
                         keras_version=None, backend=None)
    out = converted("m.h5").out
    assert "\x1b" not in out
    assert """
layout        HDF5, weights only, Keras version not stated

layer     weight   shape  parameters
d\\x1b[2J  k           10          10
          s       scalar           1

parameters    11 (F32)
architecture  none: the engine proposes one by names and shapes, and lists what it assumed.
              Surer is --config model.json, written by model.to_json().
text          no vocabulary: the page will ask for one (or give --vocab or --charset)
parity        none: nothing to check the engine against
""" in out


def test_summary_of_a_tree(folder, converted):
    long = "layers/functional/layers/functional/layers/time_distributed/layer"
    builders.write_archive(folder / "m.keras", {
        **builders.keras_members(weights=builders.tree_bytes({**builders.small_tree(), long: ("scores", [np.float32(1), np.int64(2)])})),
        "assets/layers/text_vectorization/vocabulary.txt": "[UNK]\nä"})
    out = converted("m.keras", "--assume", "gru/recurrent_activation=sigmoid", "--lambda", "mean=mean(axis=1)").out
    assert """
layout        Keras archive, full model, Keras 3.15.1

layer                                         weight   shape  parameters
layers/dense (attention_score)                0        3 × 2           6
                                              1            2           2
layers/embedding (embedding)                  0        5 × 3          15
layers/functio…me_distributed/layer (scores)  0       scalar           1

parameters    24 (F32)
left out      layers/functional/layers/functional/layers/time_distributed/layer/vars/1 (integer)
assets        layers/text_vectorization/vocabulary.txt  (8 bytes)
chosen        gru/recurrent_activation = sigmoid
              lambda:mean = mean(axis=1)
text """ in out


def test_choices(folder, converted):
    builders.write_model(folder / "m.h5", full=False)
    converted("m.h5", "--lambda", "reduce=sum(axis=1)", "--assume", "softmax = axis 1", "--assume", "a=b=c", "--lambda", "é=x[:,-1]")
    bundle = reading.read_safetensors(folder / "m.safetensors")
    assert bundle.metadata["choices"] == \
        '{"a":"b=c","lambda:reduce":"sum(axis=1)","lambda:é":"x[:,-1]","softmax":"axis 1"}'


BAD_CHOICES = {
    "no value": (("--assume", "gru"), '--assume: expected ID=VALUE, found "gru".'),
    "an empty value": (("--assume", "gru= "), '--assume: expected ID=VALUE, found "gru= ".'),
    "an empty id": (("--assume", "=tanh"), '--assume: expected ID=VALUE, found "=tanh".'),
    "a line break": (("--assume", "a=b\nc"), '--assume: expected ID=VALUE, found "a=b\\nc".'),
    "a lambda without a name": (("--lambda", "=sum(axis=1)"), '--lambda: expected NAME=EXPRESSION, found "=sum(axis=1)".'),
    "twice": (("--assume", "a=b", "--assume", "a=c"), '--assume: expected one value for each choice, found "a" twice.'),
    "twice, by both options": (("--assume", "lambda:a=b", "--lambda", "a=c"), '--lambda: expected one value for each choice, found "a" twice.'),
}


@pytest.mark.parametrize("case", BAD_CHOICES)
def test_bad_choices(folder, convert, case):
    arguments, message = BAD_CHOICES[case]
    builders.write_model(folder / "m.h5")
    result = convert("m.h5", *arguments)
    assert (result.code, result.err) == (2, f"convert.py: {message}\n")
    assert not (folder / "m.safetensors").exists()


def test_a_console_without_unicode(folder):
    builders.write_model(folder / "m.h5")
    result = run("m.h5", "--charset", "aé", "--title", "caf\u00e9", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (result.returncode, result.stderr) == (0, "")
    assert "title         caf\\xe9\n" in result.stdout


def test_a_reader_that_goes_away(folder):
    builders.write_model(folder / "m.h5")
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run([sys.executable, SCRIPT, "m.h5"], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (result.returncode, result.stderr) == (0, "")


def test_without_h5py(folder):
    program = f"import sys, runpy; sys.modules['h5py'] = None; sys.path.insert(0, {str(SCRIPT.parent)!r}); " \
              f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.returncode != 0
    assert "expected h5py and numpy, found no h5py." in result.stderr and "requirements.txt" in result.stderr
    assert "Traceback" not in result.stderr


def test_keras_is_never_imported(folder):
    builders.write_model(folder / "m.h5")
    program = f"import sys; sys.path.insert(0, {str(SCRIPT.parent)!r}); from charglow_convert import cli; cli.main(['m.h5', '--quiet']); " \
              "print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout.split()
    assert "h5py" in loaded
    assert not {"keras", "tensorflow", "tf_keras", "torch"} & set(loaded)
