"""The command line of convert.py."""

import argparse
import os
import signal
import sys
from typing import Any, Dict, List, Optional, Set

from . import annotations, bundle, choices, keras_v3, probe, sniff, sources, strict_json, summary
from . import text as text_module
from .errors import ConvertError, UsageError
from .model import Model

EPILOG = """\
examples:
  python scripts/convert.py weights.best.hdf5 --vocab tokenizer.json --labels ham,spam
  python scripts/convert.py model.keras --charset "abcdefghijklmnopqrstuvwxyz "
  python scripts/convert.py model.weights.h5 --config model.json --vocab tokenizer.json
  python scripts/convert.py weights.hdf5 --vocab tokenizer.json --lambda 'lambda_1=sum(axis=1)'

Exit code: 0 done, 1 a file cannot be used, 2 the options do not fit together, 130 interrupted.
Unless it is 0, nothing has been written and an older output is as it was.
"""


def main(arguments: Optional[List[str]] = None) -> int:
    """Runs the converter and returns its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a console that is not UTF-8 gets escapes instead of an exception
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)  # so that a killed run tidies up as well
    try:
        report = convert(options)
    except ConvertError as error:
        print(f"convert.py: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("convert.py: interrupted, nothing was written.", file=sys.stderr)
        return 130
    if not options.quiet:
        try:
            print(report, flush=True)
        except BrokenPipeError:  # `| head`: the bundle is written; keep Python from complaining once more at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _interrupt(_number, _frame):
    raise KeyboardInterrupt


def convert(options: argparse.Namespace) -> str:
    """Does the whole conversion and returns the summary. Raises ConvertError."""
    _check_usage(options)
    form = options.format or ("json" if (options.output or "").lower().endswith(".json") else "safetensors")
    output = options.output or f"{os.path.splitext(options.source)[0]}.{form}"
    inputs = [path for path in (options.source, options.config, options.vocab, options.about, options.parity) if path]
    chosen = choices.collect(options.assume, options.lambdas)
    sniff.kind_of(options.source)
    bundle.require_writable(output, inputs, options.force)
    probe.check(options.source)
    with sources.open_model(options.source) as model:
        file_name = os.fsencode(os.path.basename(options.source)).decode("utf-8", "replace")
        metadata = bundle.metadata_of(model, file_name)
        if options.config:
            metadata["model_config"] = _architecture(options.config, model, options.source)
        elif model.model_config is not None:
            where = keras_v3.CONFIG if model.layout == "keras-v3" else "model_config"
            _check_architecture(model.model_config, f"{options.source}: {where}")
        if chosen:
            metadata["choices"] = strict_json.dumps(chosen)
        metadata.update(_text(options))
        metadata.update(_about(options))
        if options.parity:
            metadata["parity"] = annotations.read_parity(options.parity, _layer_names(model, metadata.get("model_config")))
        size, digest = bundle.write(output, form, metadata, model.tensors)
        return summary.render(model, options.source, os.path.getsize(options.source), metadata, output, size, digest)


def _architecture(path: str, model: Model, source: str) -> str:
    """The text of a --config file: what `model.to_json()` returned."""
    if model.model_config is not None:
        raise UsageError("--config", "no architecture beside the file's own", f"that {source} holds one",
                         "Leave --config out.")
    content = strict_json.read_file(path)
    inner = strict_json.loads(content, path, "Write the file with model.to_json().", strict_json.MAX_CONFIG_DEPTH)
    if isinstance(inner, str):  # json.dump(model.to_json())
        content = inner
    _check_architecture(content, path)
    return content


def _check_architecture(content: str, where: str) -> None:
    config = strict_json.loads(content, where, max_depth=strict_json.MAX_CONFIG_DEPTH)
    if isinstance(config, dict) and config.get("class_name") == "Tokenizer":
        raise ConvertError(where, "an architecture", "a Tokenizer", "Give it as --vocab.")
    if not isinstance(config, dict) or "class_name" not in config or "config" not in config:
        raise ConvertError(where, "an architecture with class_name and config", "other JSON",
                           "Write the file with model.to_json().")


def _layer_names(model: Model, config: Optional[str]) -> Set[str]:
    """What layers are called in Keras: by the architecture, which knows inner layers and operations, and by the weights."""
    names = {layer.name if layer.keras_name is None else layer.keras_name for layer in model.layers}
    pending: List[Any] = [strict_json.loads(config, "model_config", max_depth=strict_json.MAX_CONFIG_DEPTH)] if config else []
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending.extend(value.values())
            if isinstance(value.get("name"), str):
                names.add(value["name"])
        elif isinstance(value, list):
            pending.extend(value)
    return names


def _text(options: argparse.Namespace) -> Dict[str, str]:
    if options.vocab:
        where, stated = options.vocab, text_module.from_file(options.vocab)
    elif options.charset is not None:
        where, stated = "--charset", text_module.from_charset(options.charset, options.first_id)
    else:
        return {}
    chosen = text_module.TextOptions(
        unit=options.unit, lower=options.lower, oov=options.oov, start=options.start, pad=options.pad, padding=options.padding,
        truncating=options.truncating, length=options.length, one_hot=options.one_hot)
    return {"text": strict_json.dumps(text_module.build(stated, chosen, where))}


def _about(options: argparse.Namespace) -> Dict[str, str]:
    about: Dict[str, Any] = annotations.read_about(options.about) if options.about else {}
    for key in ("title", "licence"):
        value = getattr(options, key)
        if value is not None:
            about[key] = annotations.check_line(value, f"--{key}")
    if options.labels is not None:
        about["labels"] = annotations.check_labels(options.labels.split(","), "--labels")
    return {key: value if isinstance(value, str) else strict_json.dumps(value) for key, value in about.items()}


def _check_usage(options: argparse.Namespace) -> None:
    if options.vocab is None and options.charset is None:
        for name in ("unit", "lower", "oov", "start", "pad", "padding", "truncating", "length", "one_hot", "first_id"):
            if getattr(options, name) is not None:
                raise UsageError(f"--{name.replace('_', '-')}", "--vocab or --charset with it", "neither")
    if options.first_id is not None and options.charset is None:
        raise UsageError("--first-id", "--charset with it", "none", "A --vocab file has its own ids.")


def _whole_number(least: int):
    def parse(argument: str) -> int:
        if not argument.isdecimal() or not least <= int(argument) <= text_module.MAX_ID:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least}, found {argument!r}")
        return int(argument)
    return parse


def _oov(argument: str):
    return argument if argument == "drop" else _whole_number(0)(argument)


def _start(argument: str):
    return argument if argument == "none" else _whole_number(0)(argument)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="convert.py", allow_abbrev=False, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Turns a Keras model into a bundle for the page and the engine. Nothing in the model file is executed.")
    parser.add_argument("source", metavar="MODEL", help="file of model.save or model.save_weights: .keras, .h5, .hdf5, .weights.h5")
    parser.add_argument("-o", "--output", metavar="FILE", help="default: beside MODEL, with the ending of the format")
    parser.add_argument("--format", choices=bundle.FORMS, help="default: safetensors, or json where -o ends in .json")
    parser.add_argument("--config", metavar="FILE", help="architecture of a weights-only MODEL: what model.to_json() returned")
    parser.add_argument("--assume", metavar="ID=VALUE", action="append",
                        help="decide what the file leaves open; the engine lists the choices by id (repeatable)")
    parser.add_argument("--lambda", dest="lambdas", metavar="NAME=EXPRESSION", action="append",
                        help='what a Lambda layer computes, such as "lambda_1=sum(axis=1)" (repeatable)')
    parser.add_argument("--force", action="store_true", help="replace an output that is not a bundle")
    parser.add_argument("--quiet", action="store_true", help="print no summary")

    text = parser.add_argument_group("how text becomes ids")
    source = text.add_mutually_exclusive_group()
    source.add_argument("--vocab", metavar="FILE", help="a Keras Tokenizer's to_json(), or JSON {token: id}, {id: token} or [token, …]")
    source.add_argument("--charset", metavar="STRING", help="the characters, in the order of their ids (--charset=-ab where it starts with a dash)")
    text.add_argument("--first-id", type=_whole_number(0), metavar="N", help="id of the charset's first character (1)")
    text.add_argument("--unit", choices=("char", "word"), help="what a token is (as the vocabulary looks)")
    case = text.add_mutually_exclusive_group()
    case.add_argument("--lower", dest="lower", action="store_true", default=None, help="lower-case the text first")
    case.add_argument("--no-lower", dest="lower", action="store_false", help="keep its case (as the vocabulary looks)")
    text.add_argument("--oov", type=_oov, metavar="ID|drop", help="id of unknown tokens, or leave them out (drop)")
    text.add_argument("--start", type=_start, metavar="ID|none", help="id that every text begins with (as the vocabulary looks)")
    text.add_argument("--pad", type=_whole_number(0), metavar="ID", help="id that fills unused timesteps (0)")
    text.add_argument("--padding", choices=("pre", "post"), help="where short texts are filled (pre)")
    text.add_argument("--truncating", choices=("pre", "post"), help="where long texts are cut (pre)")
    text.add_argument("--length", type=_whole_number(1), metavar="N", help="timesteps (what the model's input says)")
    text.add_argument("--one-hot", action="store_true", default=None, help="the model is fed one-hot rows, not ids")

    about = parser.add_argument_group("what people see")
    about.add_argument("--labels", metavar="A,B", help="names of the classes; of a single sigmoid unit: below 0.5, from 0.5")
    about.add_argument("--title", help="a name for the model")
    about.add_argument("--licence", help="licence of model and data")
    about.add_argument("--about", metavar="FILE", help="JSON with title, licence, labels, examples; options win over it")
    about.add_argument("--parity", metavar="FILE", help="JSON with Keras's own answers (FORMAT.md section 6)")
    return parser
