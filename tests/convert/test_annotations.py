"""Labels, title, licence, examples and parity."""

import json
import math

import pytest

import builders
import reading
from builders import parity


@pytest.fixture(autouse=True)
def model(folder):
    builders.write_model(folder / "m.h5")


def test_options_win_over_about(folder, converted):
    builders.write_json(folder / "about.json", {"title": "file", "licence": "file", "labels": ["a", "b"], "examples": []})
    converted("m.h5", "--about", "about.json", "--title", "option", "--labels", "ham,spam, eggs")
    metadata = reading.read_safetensors(folder / "m.safetensors").metadata
    assert [metadata[key] for key in ("title", "licence", "labels", "examples")] == [
        "option", "file", '["ham","spam"," eggs"]', "[]"]


BAD_ABOUT = {
    "a list": ([], "expected an object, found a list."),
    "unknown key": ({"name": "x"}, 'expected the members title, licence, labels, examples, found "name".'),
    "title": ({"title": 3}, "title: expected a string, found the number 3."),
    "empty licence": ({"licence": " "}, "licence: expected some text, found an empty string. Leave it out where there is nothing to say."),
    "labels": ({"labels": "a,b"}, 'labels: expected a list, found the string "a,b".'),
    "one label": ({"labels": ["a"]}, "labels: expected at least two names, found 1. "
                                     "A single sigmoid unit has two: below 0.5, and from 0.5."),
    "same labels": ({"labels": ["a", "b", "a"]}, 'labels[2]: expected a different name for each class, found "a" twice.'),
    "examples": ({"examples": {}}, "examples: expected a list, found an object."),
    "example": ({"examples": ["a"]}, 'examples[0]: expected an object, found the string "a".'),
    "example without text": ({"examples": [{"title": "a"}]}, 'examples[0]: expected a member "text", found none.'),
    "example with more": ({"examples": [{"text": "a", "label": "b"}]},
                          'examples[0]: expected the members text, title, note, found "label".'),
    "example text": ({"examples": [{"text": None}]}, "examples[0]: text: expected a string, found null."),
}


@pytest.mark.parametrize("case", BAD_ABOUT)
def test_bad_about_files(folder, convert, case):
    content, message = BAD_ABOUT[case]
    builders.write_json(folder / "about.json", content)
    result = convert("m.h5", "--about", "about.json")
    assert (result.code, result.err) == (1, f"convert.py: about.json: {message}\n")


@pytest.mark.parametrize("arguments, message", [
    (("--labels", "ham"), "--labels: expected at least two names, found 1. A single sigmoid unit has two: below 0.5, and from 0.5."),
    (("--labels", "ham,"), "--labels[1]: expected some text, found an empty string. Leave it out where there is nothing to say."),
    (("--title", ""), "--title: expected some text, found an empty string. Leave it out where there is nothing to say."),
    (("--title", "a\udcff"), "--title: expected Unicode text, found an undecodable byte at character 1."),
])
def test_bad_options(convert, arguments, message):
    result = convert("m.h5", *arguments)
    assert (result.code, result.err) == (1, f"convert.py: {message}\n")


def test_parity_keeps_its_spelling(folder, converted):
    text = '{\n "made_with" : {"keras":"2 . 15"}, "cases":\t[{"name": "a \\"b\\" \\u00e9 ", "ids": [[1]],\r\n' \
           '"outputs": {"dense": {"shape": [2], "values": [1e-07, 1.50]}}}]}\n'
    (folder / "p.json").write_text(text)
    converted("m.h5", "--parity", "p.json")
    bundle = reading.read_safetensors(folder / "m.safetensors")
    assert bundle.metadata["parity"] == (
        '{"made_with":{"keras":"2 . 15"},"cases":[{"name":"a \\"b\\" \\u00e9 ","ids":[[1]],'
        '"outputs":{"dense":{"shape":[2],"values":[1e-07,1.50]}}}]}')
    assert bundle.json("parity") == json.loads(text)


def test_parity_for_a_model_that_is_not_fed_ids(folder, converted):
    content = parity(text=None, ids=None, input={"shape": [1, 2], "values": [1.5, 2]})
    builders.write_json(folder / "p.json", content)
    converted("m.h5", "--parity", "p.json")
    assert reading.read_safetensors(folder / "m.safetensors").json("parity") == content


ARRAY = {"shape": [1, 2], "values": [0.5, 0.5]}


@pytest.mark.parametrize("more", [
    {"continues": True},
    {"signals": {"dense/update_gate": ARRAY}},
    {"text": None, "ids": [[[1, 2], [3, 0]], [[4, 0], [0, 0]]]},
    {"text": None, "ids": None, "inputs": {"an_input_that_no_file_lists": {"ids": [[1]]}}},
])
def test_parity_members_that_few_have(folder, converted, more):
    builders.write_json(folder / "p.json", parity(**more))
    converted("m.h5", "--parity", "p.json")
    assert reading.read_safetensors(folder / "m.safetensors").json("parity") == parity(**more)


BAD_PARITY = {
    "a list": ([], "expected an object, found a list."),
    "no cases": ({"made_with": {"keras": "2"}}, 'expected a member "cases", found none.'),
    "empty": ({"made_with": {"keras": "2"}, "cases": []}, "cases: expected at least one case, found none."),
    "nobody made it": ({"made_with": {}, "cases": [{}]}, "made_with: expected an object of versions, found an empty one."),
    "made_with": ({"made_with": {"keras": 2}, "cases": [{}]}, "made_with: keras: expected a string, found the number 2."),
    "unknown key": (parity(output={}), 'cases[0]: expected the members name, text, ids, input, inputs, continues, outputs, attention, layers, signals, found "output".'),
    "no name": (parity(name=None), 'cases[0]: expected a member "name", found none.'),
    "text alone": (parity(ids=None, input=ARRAY), "cases[0]: expected ids, what the text must become, found a text alone."),
    "both": (parity(input=ARRAY), "cases[0]: expected either ids or input, found both."),
    "neither": (parity(ids=None, text=None), "cases[0]: expected either ids or input, found neither."),
    "no answers": (parity(outputs={}, attention=None), "cases[0]: expected an answer of Keras to compare with, found none."),
    "flat ids": (parity(ids=[1, 2]), "cases[0]: ids: expected a list, found the number 1."),
    "ragged ids": (parity(ids=[[1, 2], [1]]), "cases[0]: ids: expected rows of equal length (batch, timesteps), found rows of [1, 2]."),
    "no ids": (parity(ids=[]), "cases[0]: ids: expected rows of equal length (batch, timesteps), found no rows."),
    "negative id": (parity(ids=[[1, -2]]), "cases[0]: ids: expected whole numbers from 0, found the number -2."),
    "boolean id": (parity(ids=[[True]]), "cases[0]: ids: expected whole numbers from 0, found true."),
    "continues": (parity(continues=1), "cases[0]: continues: expected true or false, found the number 1."),
    "ragged sentences": (parity(text=None, ids=[[[1, 2], [3]]]),
                         "cases[0]: ids: expected rows of equal length (batch, timesteps), found rows of [1, 2]."),
    "signals of nobody": (parity(signals={"gru/state": ARRAY}), 'cases[0]: signals: expected layers of the model, found "gru/state". '
                                                               "Name layers as Keras does."),
    "attention within nobody": (parity(attention={"block/attention": ARRAY}),
                                'cases[0]: attention: expected layers of the model, found "block/attention". Name layers as Keras does.'),
    "unknown layer": (parity(outputs={"dense_9": ARRAY}), 'cases[0]: outputs: expected layers of the model, found "dense_9". '
                                                          "Name layers as Keras does."),
    "values": (parity(outputs={"dense": {"shape": [2, 2], "values": [1, 2, 3]}}),
               "cases[0]: outputs: dense: values: expected 4 for the shape [2, 2], found 3."),
    "shape": (parity(attention={"embedding": {"shape": [-1], "values": []}}),
              "cases[0]: attention: embedding: shape: expected whole numbers from 0, found [-1]."),
    "value": (parity(layers={"dense": {"shape": [2], "values": [1, "2"]}}),
              'cases[0]: layers: dense: values[1]: expected a finite number, found the string "2".'),
    "huge value": (parity(layers={"dense": {"shape": [1], "values": [10**400]}}),
                   "cases[0]: layers: dense: values[0]: expected a finite number, found a number too large."),
    "more members": (parity(layers={"dense": {**ARRAY, "dtype": "F32"}}),
                     'cases[0]: layers: dense: expected the members shape, values, found "dtype".'),
}


@pytest.mark.parametrize("case", BAD_PARITY)
def test_bad_parity_files(folder, convert, case):
    content, message = BAD_PARITY[case]
    builders.write_json(folder / "p.json", content)
    result = convert("m.h5", "--parity", "p.json")
    assert (result.code, result.err) == (1, f"convert.py: p.json: {message}\n")


@pytest.mark.parametrize("value, name", [(math.nan, "NaN"), (math.inf, "Infinity")])
def test_parity_values_that_are_not_json(folder, convert, value, name):
    builders.write_json(folder / "p.json", parity(outputs={"dense": {"shape": [1], "values": [value]}}))
    result = convert("m.h5", "--parity", "p.json")
    assert (result.code, result.err) == (1, f"convert.py: p.json: expected JSON numbers, found {name}.\n")


def test_parity_value_too_large_for_a_double(folder, convert):
    builders.write_json(folder / "p.json", parity(outputs={"dense": {"shape": [1], "values": ["@"]}}))
    (folder / "p.json").write_text((folder / "p.json").read_text().replace('"@"', "1e999"))
    result = convert("m.h5", "--parity", "p.json")
    assert (result.code, result.err) == (
        1, "convert.py: p.json: cases[0]: outputs: dense: values[0]: expected a finite number, found a number too large.\n")
