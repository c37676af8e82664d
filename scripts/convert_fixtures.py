#!/usr/bin/env python3
"""Converts all test fixtures to bundles, in one process because starting Python and h5py takes longer than converting.

python scripts/convert_fixtures.py tests/fixtures build/fixtures

A fixture is a folder <generation>/<case> with model.h5 or model.keras, or with weights.h5 or model.weights.h5 and maybe
config.json; and maybe vocab.json, parity.json, text.json: the converter's options for it as a JSON object, such as {"padding": "post", "one_hot": true};
and choices.json: what its files leave open, as {id: value}.
"""
import json
import pathlib
import sys

from charglow_convert import cli, probe

# The converter has a second process read each file first, for fear of damaged ones. Ours are whole, and there are many.
probe.check = lambda path: None


SOURCES = ("model.h5", "model.keras", "weights.h5", "model.weights.h5")


def arguments(case):
    """The command line of convert.py for one fixture, without the output."""
    line = [str(next(case / name for name in SOURCES if (case / name).exists()))]
    for option in ("config", "vocab", "parity"):
        if (case / f"{option}.json").exists():
            line += [f"--{option}", str(case / f"{option}.json")]
    if (case / "text.json").exists():
        for name, value in json.loads((case / "text.json").read_text("utf-8")).items():
            option = "--" + name.replace("_", "-")
            line += [option] if value is True else [option, str(value)]
    if (case / "choices.json").exists():
        for name, value in json.loads((case / "choices.json").read_text("utf-8")).items():
            line += ["--assume", f"{name}={value}"]
    return line


def main(fixtures, bundles):
    failed = []
    for case in sorted({path.parent for name in SOURCES for path in fixtures.rglob(name)}):
        output = bundles / case.relative_to(fixtures).with_name(f"{case.name}.safetensors")
        output.parent.mkdir(parents=True, exist_ok=True)
        if cli.main([*arguments(case), "--output", str(output), "--force", "--quiet"]) != 0:
            failed.append(str(case.relative_to(fixtures)))
    if failed:
        sys.exit(f"convert_fixtures.py: could not be converted: {', '.join(failed)}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("convert_fixtures.py: expected two arguments, the fixtures' folder and the bundles' folder.")
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
