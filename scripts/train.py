"""Trains a model of the gallery and writes the files of its folder in web/models.

    PYTHON scripts/train.py sms-spam SMSSpamCollection.tsv                 train, then write all files
    PYTHON scripts/train.py sms-spam SMSSpamCollection.tsv --only-export   write the files around existing weights

PYTHON is one that has the Keras which the model's card names, from scripts/fixtures/requirements-*.txt. The data is not part of
this repository; the cards say where to get it. Reads and writes, in the model's folder (or --folder):

    the Keras file, its architecture and vocabulary  as the model's module in scripts/training says
    parity.json  Keras's own outputs for some texts, scripts/FORMAT.md section 6
    README.md    the model card: only the part between the two "measured" comments is written
    about.json   title, licence, labels, examples: written by hand, only read here
"""

import argparse
import importlib
import pathlib

from fixtures.common import read_json, write_json
from training import common

MODELS = ("sms-spam", "names-by-language", "generated-domains", "sms-words")


def main():
    parser = argparse.ArgumentParser(description="Trains a model of the gallery and writes its files.")
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("data", help="the file that the model's card names")
    parser.add_argument("--folder", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, help="default: as many as the published model had")
    parser.add_argument("--only-export", action="store_true", help="keep Keras's files as they are")
    options = parser.parse_args()

    module = importlib.import_module("training." + options.model.replace("-", "_"))
    folder = options.folder or pathlib.Path(__file__).resolve().parent.parent / "web" / "models" / options.model
    about = read_json(folder / "about.json")
    if about["labels"] != list(module.LABELS):
        raise SystemExit("%s: expected the labels %s, found %s" % (folder / "about.json", list(module.LABELS), about["labels"]))
    parts = common.split(module.read(options.data), module.SEED)
    if not options.only_export:
        module.train(parts, folder, options.epochs or module.EPOCHS)
    trained = module.load(folder)
    lines = module.card(trained, parts, about["examples"])
    write_json(folder / "parity.json", module.parity(trained, about["examples"]))
    common.write_card(folder / "README.md", lines)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
