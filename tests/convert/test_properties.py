"""Whatever a model is called and however it is stored: what goes in comes out."""

import json

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import builders
import reading
from charglow_convert import strict_json

SETTINGS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)

# A path component of HDF5: no "/", no NUL, not "."; a fixed-length string cannot end in NUL anyway.
COMPONENT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="/\0"), min_size=1, max_size=12).filter(
    lambda name: name.strip(".") and not name.startswith("layer_names"))
FLOATS = st.sampled_from(["<f2", "<f4", "<f8", ">f2", ">f4", ">f8"])
ARRAY = FLOATS.flatmap(lambda dtype: arrays.arrays(
    dtype, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    elements=arrays.from_dtype(np.dtype(dtype), allow_nan=False, allow_infinity=False)))
LAYERS = st.dictionaries(COMPONENT, st.dictionaries(COMPONENT, ARRAY, max_size=3), max_size=4)
STORAGE = st.sampled_from([{}, {"compression": "gzip"}, {"compression": "lzf", "shuffle": True}])


@SETTINGS
@given(layers=LAYERS, full=st.booleans(), strings=st.sampled_from(["fixed", "variable"]), storage=STORAGE,
       form=st.sampled_from(["safetensors", "json"]))
def test_round_trip(folder, converted, layers, full, strings, storage, form):
    # HDF5 cannot compress arrays without elements
    plain = any(array.size == 0 for weights in layers.values() for array in weights.values())
    builders.write_model(folder / "m.h5", layers, full=full, strings=strings, **({} if plain else storage))
    converted("m.h5", "--format", form, "--quiet")
    bundle = (reading.read_safetensors if form == "safetensors" else reading.read_json)(folder / f"m.{form}")
    prefix = "model_weights/" if full else ""
    assert bundle.json("layers") == [
        {"name": layer, "weights": [f"{prefix}{layer}/{name}" for name in weights]} for layer, weights in layers.items()]
    for layer, weights in layers.items():
        for name, array in weights.items():
            written = bundle.tensors[f"{prefix}{layer}/{name}"]
            little = array.astype(array.dtype.newbyteorder("<"))
            assert (written.dtype, written.shape, written.tobytes()) == (little.dtype, array.shape, little.tobytes())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(blacklist_categories=("Cs",))),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(blacklist_categories=("Cs",))), inner, max_size=4),
    max_leaves=12)


@SETTINGS
@given(value=JSON, indent=st.none() | st.integers(0, 4), ascii=st.booleans())
def test_json_without_spaces_is_the_same_json(value, indent, ascii):
    spaced = json.dumps(value, indent=indent, ensure_ascii=ascii)
    assert strict_json.without_spaces(spaced) == json.dumps(value, ensure_ascii=ascii, separators=(",", ":"))


@SETTINGS
@given(text=st.text(max_size=40))
def test_any_text_is_json_or_refused_in_words(text):
    from charglow_convert.errors import ConvertError
    try:
        assert strict_json.loads(text, "x") == json.loads(text)
    except ConvertError as error:
        assert str(error).startswith("x: expected ")
