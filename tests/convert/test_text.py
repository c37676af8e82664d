"""FORMAT.md section 5, from the writing side: vocabularies, options, assumptions."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import builders
import reading
from charglow_convert import text as text_module

PAD = "id 0 fills the unused timesteps"
PADDING = 'short texts are filled at the front (padding "pre")'
TRUNCATING = 'long texts are cut at the front (truncating "pre")'
IDS = "the model is fed ids, not one-hot rows"
UNKNOWN = "characters outside the vocabulary are left out"
LOWER = "text is lower-cased first: no token has a capital letter"
DEFAULTS = {"num_words": None, "oov": "drop", "pad": 0, "padding": "pre", "truncating": "pre", "length": None, "one_hot": False}


@pytest.fixture
def text_of(folder, converted):
    """text_of(*options) -> the `text` object of a small model converted with them."""
    builders.write_model(folder / "m.h5")

    def run(*options):
        converted("m.h5", *options)
        bundle = reading.read_safetensors(folder / "m.safetensors")
        return bundle.json("text") if "text" in bundle.metadata else None

    return run


def test_nothing_said(text_of):
    assert text_of() is None


def test_charset(text_of):
    assert text_of("--charset", "a é😀") == {
        "unit": "char", "vocabulary": {"a": 1, " ": 2, "é": 3, "😀": 4}, **DEFAULTS, "lower": True,
        "assumed": ['the first character, "a", has id 1', LOWER, UNKNOWN, PAD, PADDING, TRUNCATING, IDS]}


def test_charset_with_first_id_and_capitals(text_of):
    text = text_of("--charset", "zaB", "--first-id", "0")
    assert text["vocabulary"] == {"z": 0, "a": 1, "B": 2}
    assert text["lower"] is False
    assert text["assumed"][0] == 'text is not lower-cased: the vocabulary has "B"'


def test_every_option(text_of):
    text = text_of("--charset", "ab", "--first-id", "1", "--unit", "char", "--no-lower", "--oov", "7", "--pad", "9", "--padding", "post",
                   "--truncating", "post", "--length", "40", "--one-hot")
    assert text == {"unit": "char", "vocabulary": {"a": 1, "b": 2}, "num_words": None, "lower": False, "oov": 7, "pad": 9,
                    "padding": "post", "truncating": "post", "length": 40, "one_hot": True, "assumed": []}
    assert list(text) == ["unit", "vocabulary", "num_words", "lower", "oov", "pad", "padding", "truncating", "length",
                          "one_hot", "assumed"]


@pytest.mark.parametrize("option, sentence", [
    (("--first-id", "1"), 'the first character, "a", has id 1'), (("--lower",), LOWER), (("--oov", "drop"), UNKNOWN), (("--pad", "0"), PAD), (("--padding", "pre"), PADDING),
    (("--truncating", "pre"), TRUNCATING),
])
def test_saying_the_default_is_not_assuming_it(text_of, option, sentence):
    silent, said = text_of("--charset", "ab"), text_of("--charset", "ab", *option)
    assert sentence in silent["assumed"]
    assert said == {**silent, "assumed": [other for other in silent["assumed"] if other != sentence]}


def test_character_ids(folder, text_of):
    builders.write_json(folder / "v.json", {"b": 3, "9": 1, "a": 1, "é": 0, "😀": 2, "\ud7ff": 2})
    text = text_of("--vocab", "v.json")
    # by id, then by code point: an order that every language can make, whatever it does to the keys of an object
    assert list(text["vocabulary"].items()) == [("é", 0), ("9", 1), ("a", 1), ("\ud7ff", 2), ("😀", 2), ("b", 3)]
    assert text["unit"] == "char"
    assert text["assumed"] == ["the model reads characters: every token is one", LOWER, UNKNOWN, PAD, PADDING, TRUNCATING, IDS]


def test_word_ids(folder, text_of):
    builders.write_json(folder / "v.json", {"the": 1, "a": 2, "X": 3})
    text = text_of("--vocab", "v.json")
    assert (text["unit"], text["lower"], text["filters"], text["split"]) == (
        "word", False, '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', " ")
    assert text["assumed"] == [
        'the model reads words: the vocabulary has "the"', 'text is not lower-cased: the vocabulary has "X"',
        "words outside the vocabulary are left out", PAD, PADDING, TRUNCATING, IDS,
        "punctuation is removed and words are split at spaces, as Keras's Tokenizer does"]


@pytest.mark.parametrize("twice", [False, True], ids=["to_json()", "json.dump(to_json())"])
def test_character_tokenizer(folder, text_of, twice):
    tokenizer = builders.tokenizer({"e": 1, " ": 2, "Ü": 3}, num_words=3)
    builders.write_json(folder / "t.json", json.dumps(tokenizer) if twice else tokenizer)
    assert text_of("--vocab", "t.json") == {
        "unit": "char", "vocabulary": {"e": 1, " ": 2, "Ü": 3}, **DEFAULTS, "num_words": 3, "lower": True,
        "assumed": [PAD, PADDING, TRUNCATING, IDS]}


def test_word_tokenizer(folder, text_of):
    tokenizer = builders.tokenizer({"<OOV>": 1, "spam": 2}, char_level=False, lower=False, filters="#", split="_",
                                   oov_token="<OOV>", num_words=100)
    builders.write_json(folder / "t.json", tokenizer)
    assert text_of("--vocab", "t.json", "--padding", "post") == {
        "unit": "word", "vocabulary": {"<OOV>": 1, "spam": 2}, **DEFAULTS, "num_words": 100, "lower": False,
        "filters": "#", "split": "_", "oov": 1, "padding": "post", "assumed": [PAD, TRUNCATING, IDS]}


@pytest.mark.parametrize("token, vocabulary", [("<UNK>", {"a": 2}), ("?", {"?": 1, "a": 2})])
def test_oov_token_of_a_character_tokenizer(folder, text_of, token, vocabulary):
    """No single character equals "<UNK>": it leaves the vocabulary, and its id stays."""
    builders.write_json(folder / "t.json", builders.tokenizer({token: 1, "a": 2}, oov_token=token))
    text = text_of("--vocab", "t.json")
    assert (text["oov"], text["vocabulary"]) == (1, vocabulary)


def test_word_index_as_an_object_and_num_words_zero(folder, text_of):
    tokenizer = builders.tokenizer({}, word_index={"a": 1}, num_words=0)
    builders.write_json(folder / "t.json", tokenizer)
    text = text_of("--vocab", "t.json")
    assert (text["vocabulary"], text["num_words"]) == ({"a": 1}, None)


def test_options_win_over_the_tokenizer(folder, text_of):
    builders.write_json(folder / "t.json", builders.tokenizer({"<UNK>": 1, "a": 2}, oov_token="<UNK>"))
    text = text_of("--vocab", "t.json", "--oov", "drop", "--no-lower")
    assert (text["oov"], text["lower"]) == ("drop", False)


VOCABULARY = "a Keras Tokenizer (to_json()), a JSON object {token: id} or {id: token}, or a JSON list of tokens"
BAD_VOCABULARIES = {
    "not JSON": ("abc", f"v.json: expected JSON, found expecting value at line 1, column 1. The file should hold {VOCABULARY}; "
                        "a plain string goes to --charset."),
    "a number": ("17", f"v.json: expected {VOCABULARY}, found the number 17."),
    "a list with numbers": ('["a", 2]', "v.json: item 1: expected a token, found the number 2."),
    "empty": ("{}", "v.json: expected at least one token, found none."),
    "duplicate": ('{"a": 1, "b": 2, "a": 3}', 'v.json: expected every key once, found "a" twice. The file should hold '
                                              f"{VOCABULARY}; a plain string goes to --charset."),
    "both ways": ('{"1": "a", "2": 3}', 'v.json: "1": expected a whole number as id, found the string "a". '
                                        "This looks like {id: token}: turn it round."),
    "turned round, twice": ('{"1": "a", "2": "a"}', 'v.json: "a": expected every token once, found ids 1 and 2.'),
    "boolean": ('{"a": true}', 'v.json: "a": expected a whole number as id, found true.'),
    "fraction": ('{"a": 1.5}', 'v.json: "a": expected a whole number as id, found the number 1.5.'),
    "float": ('{"a": 1.0}', 'v.json: "a": expected a whole number as id, found the number 1.0.'),
    "null": ('{"a": null}', 'v.json: "a": expected a whole number as id, found null.'),
    "negative": ('{"a": -1}', 'v.json: "a": expected an id from 0 to 2,147,483,647, found the number -1.'),
    "too large": ('{"a": 2147483648}', 'v.json: "a": expected an id from 0 to 2,147,483,647, found the number 2147483648.'),
    "far too large": ('{"a": 1' + "0" * 4000 + "}", 'v.json: "a": expected an id from 0 to 2,147,483,647, found a number too large.'),
    "empty token": ('{"": 0, "a": 1}', 'v.json: "": expected a token, found an empty string. '
                                       "Leave it out, and give the padding's id by --pad."),
    "lone surrogate": ('{"\\udc00": 1}', 'v.json: expected Unicode text, found the lone surrogate U+DC00 in "\\udc00". '
                                         f"The file should hold {VOCABULARY}; a plain string goes to --charset."),
    "architecture": ('{"class_name": "Functional", "config": {}}',
                     f'v.json: expected {VOCABULARY}, found the configuration of a "Functional". An architecture goes to --config.'),
}


@pytest.mark.parametrize("case", BAD_VOCABULARIES)
def test_bad_vocabularies(folder, convert, case):
    content, message = BAD_VOCABULARIES[case]
    builders.write_model(folder / "m.h5")
    (folder / "v.json").write_text(content)
    result = convert("m.h5", "--vocab", "v.json")
    assert (result.code, result.err) == (1, f"convert.py: {message}\n")
    assert not (folder / "m.safetensors").exists()


BAD_TOKENIZERS = {
    "no config": ({"class_name": "Tokenizer"}, "config: expected a Tokenizer's configuration, found null."),
    "unknown option": (builders.tokenizer({"a": 1}, analyzer="x"),
                       'config: expected the options of Keras\'s Tokenizer, found the unknown "analyzer".'),
    "no vocabulary": ({"class_name": "Tokenizer", "config": {"char_level": True, "lower": True}},
                      'config: expected the member "word_index", found none. Write the file with Tokenizer.to_json().'),
    "before fit": (builders.tokenizer({}), "config: word_index: expected at least one token, found none."),
    "before fit, with oov": (builders.tokenizer({"a": 1}, oov_token="<UNK>"),
                             'config: oov_token: expected a token of word_index, found the string "<UNK>". '
                             "Call fit_on_texts before to_json()."),
    "word_index of a list": (builders.tokenizer({}, word_index=[]), "config: word_index: expected an object {token: id}, found a list."),
    "word_index not JSON": (builders.tokenizer({}, word_index="x"),
                            "config: word_index: expected JSON, found expecting value at line 1, column 1."),
    "word_index twice": (builders.tokenizer({}, word_index='{"a":1,"a":2}'),
                         'config: word_index: expected every key once, found "a" twice.'),
    "words at character level": (builders.tokenizer({"a": 1, "bc": 2, "def": 3}),
                                 '"bc": expected tokens of one character (unit char), found 2 characters, and 1 more token like it. '
                                 "Leave special tokens out and give their ids by --pad, --oov and --start, or say --unit word."),
    "lower": (builders.tokenizer({"a": 1}, lower="yes"), 'config: lower: expected true or false, found the string "yes".'),
    "split": (builders.tokenizer({"a": 1}, char_level=False, split=""), "config: split: expected a separator, found an empty string."),
    "filters": (builders.tokenizer({"a": 1}, char_level=False, filters=None), "config: filters: expected a string, found null."),
    "num_words": (builders.tokenizer({"a": 1}, num_words=-5), "config: num_words: expected a whole number or null, found the number -5."),
    "num_words true": (builders.tokenizer({"a": 1}, num_words=True), "config: num_words: expected a whole number or null, found true."),
}


@pytest.mark.parametrize("case", BAD_TOKENIZERS)
def test_bad_tokenizers(folder, convert, case):
    content, message = BAD_TOKENIZERS[case]
    builders.write_model(folder / "m.h5")
    builders.write_json(folder / "t.json", content)
    result = convert("m.h5", "--vocab", "t.json")
    assert (result.code, result.err) == (1, f"convert.py: t.json: {message}\n")


@pytest.mark.parametrize("charset, message", [
    ("", "expected at least one character, found none."),
    ("abca", 'expected every character once, found "a" twice. Give a {character: id} JSON by --vocab that says which id it has.'),
    ("a\udcff", "expected Unicode text, found an undecodable byte at character 1."),
], ids=["empty", "twice", "undecodable"])
def test_bad_charsets(folder, convert, charset, message):
    builders.write_model(folder / "m.h5")
    result = convert("m.h5", "--charset", charset)
    assert (result.code, result.err) == (1, f"convert.py: --charset: {message}\n")


def test_special_tokens_at_unit_char(folder, convert):
    builders.write_model(folder / "m.h5")
    builders.write_json(folder / "v.json", {"<pad>": 0, "the": 2, "a": 1})
    result = convert("m.h5", "--vocab", "v.json", "--unit", "char")
    assert (result.code, result.err) == (1, 'convert.py: v.json: "<pad>": expected tokens of one character (unit char), found '
                                            "5 characters, and 1 more token like it. Leave special tokens out and give their ids "
                                            "by --pad, --oov and --start, or say --unit word.\n")


def test_special_tokens_are_taken_for_what_they_are_called(folder, text_of):
    builders.write_json(folder / "v.json", {"<pad>": 5, "<unk>": 1, "<s>": 2, "</s>": 3, "a": 4})
    text = text_of("--vocab", "v.json")
    assert (text["unit"], text["vocabulary"], text["oov"], text["pad"], text["start"]) == ("char", {"a": 4}, 1, 5, 2)
    assert text["assumed"][2:5] == ['"<unk>" (id 1) stands for unknown tokens', '"<pad>" (id 5) fills the unused timesteps',
                                    'every text begins with "<s>" (id 2)']
    text = text_of("--vocab", "v.json", "--oov", "drop", "--pad", "0", "--start", "none")
    assert (text["oov"], text["pad"], "start" in text) == ("drop", 0, False)
    assert not any("(id" in sentence for sentence in text["assumed"])
    assert text_of("--charset", "ab", "--start", "0")["start"] == 0


def test_vocabulary_of_a_text_vectorization(folder, text_of):
    builders.write_json(folder / "v.json", ["", "[UNK]", "the", "cat"])
    text = text_of("--vocab", "v.json")
    assert text["vocabulary"] == {"the": 2, "cat": 3}
    assert list(text) == ["unit", "vocabulary", "num_words", "lower", "strip", "filters", "split", "oov", "pad", "padding",
                          "truncating", "length", "one_hot", "assumed"]
    assert (text["lower"], text["split"], text["oov"], text["padding"], text["truncating"]) == ("ascii", None, 1, "post", "post")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(vocabulary=st.dictionaries(st.characters(blacklist_categories=("Cs",)), st.integers(0, 2**31 - 1), min_size=1))
def test_any_vocabulary_survives(folder, vocabulary):
    builders.write_json(folder / "v.json", vocabulary)
    text = text_module.build(text_module.from_file("v.json"), text_module.TextOptions(), "v.json")
    assert text["vocabulary"] == vocabulary
    assert text["lower"] == all(token == token.lower() for token in vocabulary)
