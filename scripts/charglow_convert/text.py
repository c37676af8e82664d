"""Vocabulary files and text options -> the bundle's `text` (FORMAT.md section 5).

What a source states wins over Keras's defaults, and what the command line says wins over both. Everything that nobody
stated is written down in `assumed`.
"""

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Union

from . import strict_json
from .errors import ConvertError, described, grouped, quoted, require_unicode

# keras_preprocessing/text.py, Tokenizer.__init__
KERAS_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
MAX_ID = 2**31 - 1

_TOKENIZER_KEYS = frozenset((
    "num_words", "filters", "lower", "split", "char_level", "oov_token", "document_count",
    "word_counts", "word_docs", "index_docs", "index_word", "word_index",
))
_EXPECTED_VOCABULARY = "a Keras Tokenizer (to_json()), a JSON object {token: id} or {id: token}, or a JSON list of tokens"
# What TextVectorization leaves out: DEFAULT_STRIP_REGEX of keras/layers/preprocessing/text_vectorization.py
_PUNCTUATION = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'"

# Tokens that stand for no text of their own, by what they are called between brackets. Those without a role here (ends,
# separators, masks) are of no use to a reader of single texts.
_ROLES = {"pad": "pad", "padding": "pad", "unk": "oov", "unknown": "oov", "oov": "oov",
          "s": "start", "start": "start", "sos": "start", "bos": "start", "go": "start"}
_BARE_SPECIAL = ("PAD", "UNK", "OOV")


@dataclass(frozen=True)
class TextOptions:
    """The command line's text options; None where it says nothing."""

    unit: Optional[str] = None
    lower: Optional[bool] = None
    oov: Union[int, str, None] = None  # an id or "drop"
    start: Union[int, str, None] = None  # an id or "none"
    pad: Optional[int] = None
    padding: Optional[str] = None
    truncating: Optional[str] = None
    length: Optional[int] = None
    one_hot: Optional[bool] = None


def from_charset(charset: str, first_id: Optional[int]) -> Dict[str, Any]:
    """What a charset string states: its i-th code point has the id `first_id + i`. None: 1, which is then assumed."""
    where = "--charset"
    if not charset:
        raise ConvertError(where, "at least one character", "none")
    require_unicode(charset, where)
    return _from_characters(charset, first_id, where)


def _from_characters(charset, first_id, where):
    first = 1 if first_id is None else first_id
    vocabulary: Dict[str, int] = {}
    for index, character in enumerate(charset):
        if character in vocabulary:
            raise ConvertError(where, "every character once", f"{quoted(character)} twice",
                               "Give a {character: id} JSON by --vocab that says which id it has.")
        vocabulary[character] = first + index
    assumed = [f"the first character, {quoted(charset[0])}, has id 1"] if first_id is None else []
    return {"unit": "char", "vocabulary": vocabulary, "assumed": assumed}


def from_file(path: str) -> Dict[str, Any]:
    """What a vocabulary file states, as members of `text`."""
    content = strict_json.loads(
        strict_json.read_file(path), path, f"The file should hold {_EXPECTED_VOCABULARY}; a plain string goes to --charset.")
    if isinstance(content, str):
        if content.lstrip(" \t\n\r")[:1] not in ("{", "["):
            return _from_characters(_filled(content, path), None, path)
        content = strict_json.loads(content, path)  # json.dump(tokenizer.to_json()), as TensorFlow's own tutorials write it
    if isinstance(content, list):
        return _from_list(content, path)
    if not isinstance(content, dict):
        raise ConvertError(path, _EXPECTED_VOCABULARY, described(content))
    if content.get("class_name") == "Tokenizer":
        return _from_tokenizer(content.get("config"), path)
    if isinstance(content.get("config"), (dict, list)):
        raise ConvertError(path, _EXPECTED_VOCABULARY, f"the configuration of a {quoted(str(content.get('class_name')))}",
                           "An architecture goes to --config.")
    if content and all(_is_digits(key) and isinstance(value, str) for key, value in content.items()):
        return _with_special_tokens(_by_id([(int(key), token) for key, token in content.items()], path))
    return _with_special_tokens({"vocabulary": _vocabulary(content, path)})


def _is_digits(text):
    return text.isascii() and text.isdigit()


def _filled(charset, where):
    if not charset:
        raise ConvertError(where, _EXPECTED_VOCABULARY, "an empty string")
    return charset


def _from_list(tokens, where):
    """Tokens by id: what TextVectorization.get_vocabulary() returns, or a list of somebody's own."""
    for index, token in enumerate(tokens):
        if not isinstance(token, str):
            raise ConvertError(f"{where}: item {index}", "a token", described(token))
    stated = _by_id(list(enumerate(tokens)), where)
    if tokens[:2] != ["", "[UNK]"]:
        stated["assumed"] = ["ids count from 0, in the order of the list", *stated.get("assumed", [])]
        return _with_special_tokens(stated)
    del stated["vocabulary"]["[UNK]"]
    if not stated["vocabulary"]:
        raise ConvertError(where, "at least one token", "none")
    stated.update(lower="ascii", strip=_PUNCTUATION, filters="", split=None, oov=1, pad=0, padding="post", truncating="post")
    stated["assumed"] = ["the list is that of a TextVectorization layer: text is read as this layer does where nobody says otherwise"]
    return stated


def _by_id(entries, where):
    """{token: id} of (id, token). An empty token with id 0 is no token but the padding."""
    vocabulary: Dict[str, int] = {}
    for token_id, token in sorted(entries):
        at = f"{where}: {quoted(token)}"
        if token_id > MAX_ID:
            raise ConvertError(at, f"an id from 0 to {MAX_ID:,}", described(token_id))
        if not token and token_id == 0:
            continue
        if not token:
            raise ConvertError(at, "a token", "an empty string", "Leave it out, and give the padding's id by --pad.")
        if token in vocabulary:
            raise ConvertError(at, "every token once", f"ids {vocabulary[token]:,} and {token_id:,}")
        vocabulary[token] = token_id
    if not vocabulary:
        raise ConvertError(where, "at least one token", "none")
    return {"vocabulary": vocabulary}


def _is_special(token):
    return token in _BARE_SPECIAL or (len(token) > 2 and token[0] + token[-1] in ("<>", "[]"))


def _with_special_tokens(stated):
    """Takes tokens such as "<PAD>" and "[UNK]" for what they are called. Among characters they are no tokens of a text."""
    vocabulary = stated["vocabulary"]
    special = {token: token_id for token, token_id in vocabulary.items() if _is_special(token)}
    others = [token for token in vocabulary if token not in special]
    if not special or not others:
        return stated
    if all(len(token) == 1 for token in others):
        stated["vocabulary"] = {token: vocabulary[token] for token in others}
    sentences = {"pad": "{} (id {:,}) fills the unused timesteps", "oov": "{} (id {:,}) stands for unknown tokens",
                 "start": "every text begins with {} (id {:,})"}
    told = stated.setdefault("told", {})
    for token, token_id in sorted(special.items(), key=lambda entry: (entry[1], entry[0])):
        role = _ROLES.get((token if token in _BARE_SPECIAL else token[1:-1]).lower())
        if role is not None and role not in stated:
            stated[role] = token_id
            told[role] = sentences[role].format(quoted(token), token_id)
    return stated


def _from_tokenizer(config, path):
    where = f"{path}: config"
    if not isinstance(config, dict):
        raise ConvertError(where, "a Tokenizer's configuration", described(config))
    unknown = sorted(set(config) - _TOKENIZER_KEYS)
    if unknown:
        raise ConvertError(where, "the options of Keras's Tokenizer", f"the unknown {quoted(unknown[0])}")
    missing = sorted({"word_index", "char_level", "lower"} - set(config))
    if missing:
        raise ConvertError(where, f"the member {quoted(missing[0])}", "none", "Write the file with Tokenizer.to_json().")

    word_index = config["word_index"]
    if isinstance(word_index, str):  # to_json() stores it as JSON inside JSON
        word_index = strict_json.loads(word_index, f"{where}: word_index")
    vocabulary = _vocabulary(word_index, f"{where}: word_index")
    char_level = _typed(config, "char_level", bool, where)
    num_words = config.get("num_words")
    if num_words is not None and (type(num_words) is not int or num_words < 0):
        raise ConvertError(f"{where}: num_words", "a whole number or null", described(num_words))

    stated = {
        "unit": "char" if char_level else "word",
        "vocabulary": vocabulary,
        "num_words": num_words or None,  # Keras tests its truth: 0 is no limit
        "lower": _typed(config, "lower", bool, where),
        "oov": "drop",
    }
    if not char_level:
        stated["filters"] = _typed(config, "filters", str, where, KERAS_FILTERS)
        stated["split"] = _typed(config, "split", str, where, " ")
        if not stated["split"]:
            raise ConvertError(f"{where}: split", "a separator", "an empty string")
    oov_token = config.get("oov_token")
    if oov_token is not None:
        if not isinstance(oov_token, str) or oov_token not in vocabulary:
            raise ConvertError(f"{where}: oov_token", "a token of word_index", described(oov_token),
                               "Call fit_on_texts before to_json().")
        stated["oov"] = vocabulary[oov_token]
        if char_level and len(oov_token) != 1:
            del vocabulary[oov_token]  # no single character of a text can equal it; its id lives on in `oov`
    return stated


def _typed(config, key, kind, where, default=None):
    value = config.get(key, default)
    if not isinstance(value, kind):
        names = {bool: "true or false", str: "a string"}
        raise ConvertError(f"{where}: {key}", names[kind], described(value))
    return value


def _vocabulary(content, where):
    if not isinstance(content, dict):
        raise ConvertError(where, "an object {token: id}", described(content))
    for token, token_id in content.items():
        at = f"{where}: {quoted(token)}"
        if type(token_id) is not int:
            hint = "This looks like {id: token}: turn it round." if isinstance(token_id, str) and token.isdigit() else ""
            raise ConvertError(at, "a whole number as id", described(token_id), hint)
        if not 0 <= token_id <= MAX_ID:
            raise ConvertError(at, f"an id from 0 to {MAX_ID:,}", described(token_id))
        if not token:
            raise ConvertError(at, "a token", "an empty string", "Leave it out, and give the padding's id by --pad.")
    if not content:
        raise ConvertError(where, "at least one token", "none")
    return dict(content)


def build(stated: Dict[str, Any], options: TextOptions, where: str) -> Dict[str, Any]:
    """The complete `text` object, with its keys in FORMAT.md's order.

    `where` names the vocabulary's source for messages.
    """
    assumed: List[str] = list(stated.get("assumed", []))
    told: Dict[str, str] = stated.get("told", {})  # by key: why it is so, as long as nobody says otherwise
    vocabulary = dict(sorted(stated["vocabulary"].items(), key=lambda entry: (entry[1], entry[0])))

    unit = options.unit or stated.get("unit")
    if unit is None:
        unit = "char" if all(len(token) == 1 for token in vocabulary) else "word"
        longest = max((token for token in vocabulary if not _is_special(token)), key=len, default=next(iter(vocabulary)))
        assumed.append("the model reads characters: every token is one" if unit == "char"
                       else f"the model reads words: the vocabulary has {quoted(longest)}")
    if unit == "char":
        _require_single_characters(vocabulary, where)

    lower = options.lower if options.lower is not None else stated.get("lower")
    if lower is None:
        capital = next((token for token in vocabulary if token != token.lower() and not _is_special(token)), None)
        lower = capital is None
        assumed.append("text is lower-cased first: no token has a capital letter" if lower
                       else f"text is not lower-cased: the vocabulary has {quoted(capital)}")

    oov = options.oov if options.oov is not None else stated.get("oov")
    if oov is None:
        oov = "drop"
        assumed.append("characters outside the vocabulary are left out" if unit == "char"
                       else "words outside the vocabulary are left out")
    elif options.oov is None and "oov" in told:
        assumed.append(told["oov"])
    pad = options.pad if options.pad is not None else stated.get("pad")
    if pad is None:
        pad = 0
        assumed.append("id 0 fills the unused timesteps")
    elif options.pad is None and "pad" in told:
        assumed.append(told["pad"])
    start = options.start if options.start is not None else stated.get("start")
    if options.start is None and "start" in told:
        assumed.append(told["start"])
    padding = options.padding or stated.get("padding")
    if padding is None:
        assumed.append('short texts are filled at the front (padding "pre")')
    truncating = options.truncating or stated.get("truncating")
    if truncating is None:
        assumed.append('long texts are cut at the front (truncating "pre")')
    if options.one_hot is None:
        assumed.append("the model is fed ids, not one-hot rows")

    text: Dict[str, Any] = {
        "unit": unit,
        "vocabulary": vocabulary,
        "num_words": stated.get("num_words"),
        "lower": lower,
    }
    if stated.get("strip"):
        text["strip"] = stated["strip"]
    if unit == "word":
        if "filters" not in stated:
            assumed.append("punctuation is removed and words are split at spaces, as Keras's Tokenizer does")
        text["filters"] = stated.get("filters", KERAS_FILTERS)
        text["split"] = stated.get("split", " ")
    text.update({
        "oov": oov,
        "pad": pad,
    })
    if start not in (None, "none"):
        text["start"] = start
    text.update({
        "padding": padding or "pre",
        "truncating": truncating or "pre",
        "length": options.length,
        "one_hot": bool(options.one_hot),
        "assumed": assumed,
    })
    return text


def _require_single_characters(vocabulary, where):
    long = [token for token in vocabulary if len(token) != 1]
    if long:
        raise ConvertError(f"{where}: {quoted(long[0])}", "tokens of one character (unit char)",
                           f"{len(long[0])} characters" + (f", and {grouped(len(long) - 1, 'more token')} like it" if len(long) > 1 else ""),
                           "Leave special tokens out and give their ids by --pad, --oov and --start, or say --unit word.")
