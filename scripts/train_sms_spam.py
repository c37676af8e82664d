"""Trains the sample model: ham against spam, character by character, with an attention that can be shown.

The architecture is the classic one that this project exists for (Embedding, GRU, softmax attention over the
timesteps, weighted sum, sigmoid), trained with tf.keras 2.15, the last Keras that writes the HDF5 format natively.

    python3.11 -m venv sms && sms/bin/pip install -r scripts/fixtures/requirements-keras-2.15.txt
    sms/bin/python scripts/train_sms_spam.py SMSSpamCollection.tsv                train, then write all files
    sms/bin/python scripts/train_sms_spam.py SMSSpamCollection.tsv --only-export  write the files around existing weights

The data is the SMS Spam Collection v.1 (label TAB text, one message a line, UTF-8), see the model card for where to
get it. It is not part of this repository.

Reads and writes web/models/sms-spam/ (or --folder):
    weights.best.hdf5  the full model at its best validation loss. ModelCheckpoint writes it with Adam's state; it is
                       saved again without, because the state triples the file and nobody continues this training
    tokenizer.json     the Keras Tokenizer
    parity.json        Keras's own outputs for some inputs, scripts/FORMAT.md section 6
    README.md          the model card: only the part between the two "measured" comments is written
    about.json         title, licence, labels, examples: written by hand, only read here
"""

import argparse
import html
import os
import pathlib
import platform
import random

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import h5py
import keras
import numpy as np
import tensorflow as tf
from tensorflow.keras import backend as K
from tensorflow.keras import layers
from tensorflow.keras.preprocessing.sequence import pad_sequences
from tensorflow.keras.preprocessing.text import Tokenizer, tokenizer_from_json

from fixtures.common import made_with, parity_case, read_json, without_path, write_json, write_text

TIMESTEPS = 250
EMBEDDING = 100
UNITS = 250
LABELS = ("ham", "spam")
SEED = 2011
BATCH = 32
PEAK_LEARNING_RATE = 1e-3

MEASURED_BEGIN = "<!-- measured: written by scripts/train_sms_spam.py -->"
MEASURED_END = "<!-- /measured -->"


def read_messages(path):
    """The distinct messages of the collection, as (text, label) with label 0 for ham and 1 for spam.

    The collection holds some 400 exact copies; left in, they would stand in training and test split at once. It also
    holds HTML entities ("&lt;" for "<"), which are an accident of its making, not what a phone showed.
    """
    messages = {}
    with open(path, encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, 1):
            label, separator, text = line.rstrip("\n").partition("\t")
            if label not in LABELS or not separator:
                raise SystemExit(f"{path}, line {number}: expected 'ham' or 'spam', a tab and a text, found {line[:40]!r}")
            messages[html.unescape(text)] = LABELS.index(label)
    return list(messages.items())


def split(messages):
    """80 % training, 10 % validation, 10 % test, each with the same share of spam; the same for every run."""
    parts = ([], [], [])
    for label in (0, 1):
        group = sorted(text for text, of in messages if of == label)
        random.Random(SEED).shuffle(group)
        tenth = len(group) // 10
        for part, texts in zip(parts, (group[2 * tenth:], group[:tenth], group[tenth:2 * tenth])):
            part.extend((text, label) for text in texts)
    return parts


def build(vocabulary_size):
    """The classic model; `vocabulary_size` counts the padding's id 0."""
    ids = layers.Input(shape=(TIMESTEPS,))
    embedded = layers.Embedding(vocabulary_size, EMBEDDING)(ids)
    states = layers.GRU(UNITS, return_sequences=True)(embedded)              # (batch, TIMESTEPS, UNITS)
    attention = layers.TimeDistributed(layers.Dense(1, activation="tanh"))(states)
    attention = layers.Flatten()(attention)
    attention = layers.Activation("softmax", name="attention_vec")(attention)  # (batch, TIMESTEPS)
    attention = layers.RepeatVector(UNITS)(attention)
    attention = layers.Permute((2, 1))(attention)                            # (batch, TIMESTEPS, UNITS)
    weighted = layers.multiply([states, attention])
    context = layers.Lambda(without_path(lambda xin: K.sum(xin, axis=1)))(weighted)  # (batch, UNITS)
    return tf.keras.Model(ids, layers.Dense(1, activation="sigmoid")(context))


def encode(tokenizer, texts):
    """Ids of shape (number of texts, TIMESTEPS): padded in front, and cut in front, as pad_sequences does by default."""
    return pad_sequences(tokenizer.texts_to_sequences(texts), maxlen=TIMESTEPS)


def arrays(tokenizer, part):
    """Model inputs and targets of a part of the data."""
    return encode(tokenizer, [text for text, _ in part]), np.array([label for _, label in part], "float32")


def train(parts, tokenizer, weights_path, epochs):
    """Trains on the first part and leaves the epoch with the lowest loss on the second in `weights_path`."""
    training, validation, _ = parts
    model = build(len(tokenizer.word_index) + 1)
    steps = epochs * -(-len(training) // BATCH)
    schedule = tf.keras.optimizers.schedules.CosineDecay(PEAK_LEARNING_RATE, steps, alpha=0.02)
    model.compile(tf.keras.optimizers.Adam(schedule, clipnorm=1.0), "binary_crossentropy", metrics=["accuracy"])
    model.fit(*arrays(tokenizer, training), validation_data=arrays(tokenizer, validation), batch_size=BATCH, epochs=epochs,
              verbose=2, callbacks=[tf.keras.callbacks.ModelCheckpoint(str(weights_path), save_best_only=True)])
    drop_optimizer(weights_path)


def drop_optimizer(weights_path):
    """Saves the model in `weights_path` again without the optimizer's state."""
    weights = load(weights_path).get_weights()
    K.clear_session()  # so that the layers get the same names again
    model = build(weights[0].shape[0])
    model.set_weights(weights)
    model.save(str(weights_path), include_optimizer=False, save_format="h5")


def load(weights_path):
    return tf.keras.models.load_model(str(weights_path), custom_objects={"K": K}, compile=False)


# ---- what is published with the weights ----

def with_attention(model):
    """A model with the outputs (prediction, attention)."""
    return tf.keras.Model(model.inputs, [model.output, model.get_layer("attention_vec").output])


def parity(model, tokenizer, examples):
    """Keras's answers for the examples, for the lengths at which padding and cutting begin, and for unknown characters."""
    probe, output = with_attention(model), model.output_names[0]
    words = " ".join(example["text"] for example in examples)
    texts = [(f"length {n}", (words * 3)[:n]) for n in (0, 1, TIMESTEPS - 1, TIMESTEPS, TIMESTEPS + 1, 910)]
    texts += [("unknown characters", "Привет, İstanbul 😀 — ΟΔΟΣ 1€")]
    texts += [(f"example {number}", example["text"]) for number, example in enumerate(examples, 1)]
    cases = []
    for name, text in texts:
        ids = encode(tokenizer, [text])
        prediction, attention = probe(ids, training=False)
        results = {output: prediction.numpy(), "attention_vec": attention.numpy()}
        cases.append(parity_case(name, {"ids": ids.tolist()}, text, results, [output], ["attention_vec"]))
    return {"made_with": made_with(keras.__version__, "tensorflow " + tf.__version__), "cases": cases}


def scores(model, tokenizer, part):
    """(true positives, false positives, false negatives, true negatives); positive is spam, from 0.5."""
    ids, truth = arrays(tokenizer, part)
    spam, said = truth > 0.5, model.predict(ids, batch_size=128, verbose=0)[:, 0] >= 0.5
    return tuple(int(np.sum(cell)) for cell in (said & spam, said & ~spam, ~said & spam, ~said & ~spam))


def attention_facts(model, tokenizer, part):
    """Sentences about where the attention goes, measured on `part`."""
    ids, truth = arrays(tokenizer, part)
    _, attention = with_attention(model).predict(ids, batch_size=128, verbose=0)
    padding = ids == 0
    share = np.sum(attention * padding, axis=1)
    relative = attention * TIMESTEPS  # 1 is what every position would get from a uniform attention
    by_character = {char: relative[ids == id] for char, id in tokenizer.word_index.items()}
    frequent = sorted((char for char, got in by_character.items() if len(got) >= 50),
                      key=lambda char: -by_character[char].mean())
    yield (f"largest weight over smallest within a message: median {np.median(attention.max(1) / attention.min(1)):.1f} "
           f"(at most {np.exp(2):.2f} with a tanh score; 1 would be a flat attention)")
    yield f"largest weight: median {np.median(relative.max(1)):.1f} times the uniform weight 1/{TIMESTEPS}"
    for label, name in enumerate(LABELS):
        of = truth == label
        yield (f"{name}: {100 * share[of].mean():.0f} % of the attention is on padding, which is "
               f"{100 * padding[of].mean():.0f} % of the positions")
    yield ("characters with the most attention, in times uniform: "
           + ", ".join(f"`{char}` {by_character[char].mean():.1f}" for char in frequent[:12]))
    yield (f"a space gets {by_character[' '].mean():.2f}, the letter e {by_character['e'].mean():.2f}, "
           f"padding {relative[padding].mean():.2f}")


def card(model, tokenizer, parts, examples):
    """The measured part of the model card, in Markdown."""
    lines = [f"Made with Keras {keras.__version__}, TensorFlow {tf.__version__}, h5py {h5py.__version__}, "
             f"NumPy {np.__version__}, Python {platform.python_version()}; seed {SEED}; "
             f"{model.count_params():,} parameters, {len(tokenizer.word_index)} characters.", "",
             "| part | messages | accuracy | precision | recall | spam found | spam missed | ham called spam | ham passed |",
             "|---|---|---|---|---|---|---|---|---|"]
    for name, part in zip(("training", "validation (chose the epoch)", "**test (held out)**"), parts):
        tp, fp, fn, tn = scores(model, tokenizer, part)
        lines.append(f"| {name} | {len(part):,} | {100 * (tp + tn) / len(part):.2f} % | {100 * tp / (tp + fp):.1f} % "
                     f"| {100 * tp / (tp + fn):.1f} % | {tp} | {fn} | {fp} | {tn} |")
    lines += ["", "Attention on the test messages:", ""]
    lines += ["- " + fact for fact in attention_facts(model, tokenizer, parts[2])]
    lines += ["", "The examples of `about.json`, and the probability of spam that the model gives them:", "",
              "| example | spam |", "|---|---|"]
    for example in examples:
        spam = float(model(encode(tokenizer, [example["text"]]), training=False)[0, 0])
        lines.append(f"| {example['title']} | {spam:.3f} |")
    return "\n".join(lines)


def write_card(path, measured):
    """Replaces the measured part of the model card; everything else in it is written by hand."""
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(MEASURED_BEGIN)
    _, end, after = rest.partition(MEASURED_END)
    if not begin or not end:
        raise SystemExit(f"{path}: expected the comments {MEASURED_BEGIN} and {MEASURED_END}, found no such pair. Add them.")
    write_text(path, f"{before}{begin}\n{measured}\n{end}{after}")


def main():
    parser = argparse.ArgumentParser(description="Trains the SMS spam sample model and writes its files.")
    parser.add_argument("data", help="the SMS Spam Collection: label TAB text")
    default = pathlib.Path(__file__).resolve().parent.parent / "web" / "models" / "sms-spam"
    parser.add_argument("--folder", type=pathlib.Path, default=default)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only-export", action="store_true", help="keep weights.best.hdf5 and tokenizer.json as they are")
    options = parser.parse_args()

    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()

    folder = options.folder
    weights_path, tokenizer_path = folder / "weights.best.hdf5", folder / "tokenizer.json"
    examples = read_json(folder / "about.json")["examples"]
    parts = split(read_messages(options.data))
    if options.only_export:
        tokenizer = tokenizer_from_json(tokenizer_path.read_text(encoding="utf-8"))
    else:
        tokenizer = Tokenizer(char_level=True)
        tokenizer.fit_on_texts([text for text, _ in parts[0]])
        write_text(tokenizer_path, tokenizer.to_json() + "\n")
        train(parts, tokenizer, weights_path, options.epochs)

    model = load(weights_path)
    measured = card(model, tokenizer, parts, examples)
    write_json(folder / "parity.json", parity(model, tokenizer, examples))
    write_card(folder / "README.md", measured)
    print(measured)


if __name__ == "__main__":
    main()
