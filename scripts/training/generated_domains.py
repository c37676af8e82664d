"""Whether a domain name was made by a person or by malware's generator of domain names.

Convolutions and softmax attention in plain layers, as people wrote them for Keras 2.2: its weights alone, as
`ModelCheckpoint(save_weights_only=True)` leaves them, beside the architecture's JSON. Nothing recurrent: what a character's
attention is made of stands within three characters of it.

    python3.7 -m venv keras-2.2 && keras-2.2/bin/pip install -r scripts/fixtures/requirements-keras-2.2.txt
    keras-2.2/bin/python scripts/train.py generated-domains dga_domains_sample.csv

The data: class,family,domain, one domain a line. Keras's files:

    weights.best.hdf5  weights only, at the best validation loss
    config.json        model.to_json()
    tokenizer.json     {character: id}
"""

import os
import random
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("PYTHONHASHSEED", "0")
warnings.filterwarnings("ignore", category=FutureWarning)

import h5py
import keras
import numpy as np
import tensorflow as tf
from keras import backend as K
from keras import layers
from keras.preprocessing.sequence import pad_sequences

from fixtures.common import read_json, write_json, write_text
from training import common

TIMESTEPS = 64
EMBEDDING = 24
FILTERS = 96
INNER = 32
BATCH = 64
EPOCHS = 25
PEAK_LEARNING_RATE = 2e-3

LABELS = ("legitimate", "generated")
CLASSES = ("legit", "dga")  # what the data calls them
SEED = 114551

WEIGHTS, CONFIG, VOCABULARY = "weights.best.hdf5", "config.json", "tokenizer.json"


class Domain(str):
    """A domain that knows its family; "alexa" is the list of the legitimate ones."""

    def __new__(cls, domain, family):
        self = super().__new__(cls, domain)
        self.family = family
        return self


def read(path):
    """{family: [(domain, label), …]} of the distinct domains, so that every part has every family."""
    families, seen = {}, set()
    for name, family, domain in sorted(common.rows(path, ",", 3)):
        label = common.class_of(CLASSES, name, path)
        if domain not in seen:
            families.setdefault(family, []).append((Domain(domain, family), label))
        seen.add(domain)
    return families


def build(vocabulary_size):
    """`vocabulary_size` counts the padding's id 0."""
    ids = layers.Input(shape=(TIMESTEPS,), name="domain")
    embedded = layers.Embedding(vocabulary_size, EMBEDDING, name="embedding")(ids)
    shapes = layers.Conv1D(FILTERS, 3, padding="same", activation="relu", name="near")(embedded)
    shapes = layers.Conv1D(FILTERS, 3, padding="same", dilation_rate=2, activation="relu", name="wider")(layers.Dropout(0.2)(shapes))
    score = layers.Dense(1, name="attention_score")(shapes)  # without a tanh: nothing bounds it
    attention = layers.Activation("softmax", name="attention")(layers.Flatten(name="scores")(score))
    context = layers.Dropout(0.2)(layers.Dot(axes=1, name="context")([attention, shapes]))
    inner = layers.Dense(INNER, activation="relu", name="inner")(context)
    return keras.models.Model(ids, layers.Dense(1, activation="sigmoid", name="generated")(inner))


def encode(vocabulary, texts):
    """Ids of shape (number of texts, TIMESTEPS): padded in front, cut in front; other characters are left out."""
    return pad_sequences([[vocabulary[char] for char in text.lower() if char in vocabulary] for text in texts], maxlen=TIMESTEPS)


def single_thread():
    """One thread, so that sums are always added in one order."""
    session = tf.compat.v1.Session(config=tf.compat.v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1))
    K.set_session(session)


def train(parts, folder, epochs):
    """Trains on the first part and leaves the epoch with the lowest loss on the second."""
    K.clear_session()
    single_thread()
    random.seed(SEED)
    np.random.seed(SEED)
    tf.compat.v1.set_random_seed(SEED)
    training, validation, _ = parts
    characters = sorted(set("".join(common.texts_of(training))))
    vocabulary = {char: number for number, char in enumerate(characters, 1)}
    write_json(folder / VOCABULARY, vocabulary)
    model = build(len(vocabulary) + 1)
    write_text(folder / CONFIG, model.to_json() + "\n")
    model.compile(keras.optimizers.Adam(PEAK_LEARNING_RATE, clipnorm=1.0), "binary_crossentropy", metrics=["accuracy"])
    best = keras.callbacks.ModelCheckpoint(str(folder / WEIGHTS), save_best_only=True, save_weights_only=True)
    falling = keras.callbacks.LearningRateScheduler(lambda epoch: PEAK_LEARNING_RATE * 0.5 * (1.02 + np.cos(np.pi * epoch / epochs)))
    data = [(encode(vocabulary, common.texts_of(part)), common.labels_of(part)) for part in (training, validation)]
    model.fit(*data[0], validation_data=data[1], batch_size=BATCH, epochs=epochs, verbose=2, callbacks=[best, falling])


# ---- what is published with the weights ----

def load(folder):
    K.clear_session()
    single_thread()
    vocabulary = read_json(folder / VOCABULARY)
    model = keras.models.model_from_json((folder / CONFIG).read_text(encoding="utf-8"))
    model.load_weights(str(folder / WEIGHTS))
    probe = keras.models.Model(model.inputs, [model.output, model.get_layer("attention").output])

    def run(ids):
        output, attention = probe.predict(ids, batch_size=256)
        return output, {"attention": attention}

    packages = "TensorFlow %s, h5py %s, NumPy %s" % (tf.__version__, h5py.__version__, np.__version__)
    trained = common.Trained(LABELS, lambda texts: encode(vocabulary, texts), run, "generated", keras.__version__,
                             "tensorflow " + tf.__version__, packages, model.count_params())
    trained.vocabulary = vocabulary
    return trained


def parity(trained, examples):
    """Keras's answers for the examples, for the lengths at which padding and cutting begin, and for unknown characters."""
    texts = common.lengths(".".join(common.example_texts(examples)[:2]), (0, 1, TIMESTEPS - 1, TIMESTEPS, TIMESTEPS + 1, 253))
    texts += [("unknown characters", "https://пример.example/?q=1"), ("capitals", "WWW.EXAMPLE.COM")]
    return common.parity(trained, texts + common.numbered(examples))


def with_ending(domain, ending):
    """The domain's first label, with another ending: a generator chooses names and endings by themselves."""
    return domain.partition(".")[0] + ending


def by_family(trained, part):
    """A table: the generated domains of the test part by family, and what remains of them under another ending."""
    families = {}
    for domain, label in part:
        families.setdefault(domain.family, []).append((domain, label))
    lines = []
    for family, some in families.items():
        label = some[0][1]
        found, moved = (int(np.sum(trained.classes(texts) == label))
                        for texts in (common.texts_of(some), [with_ending(domain, ".com") for domain, _ in some]))
        lines.append((found / len(some), label, family, "%d of %d" % (found, len(some)), "%d" % moved, "`%s`" % min(some)[0]))
    lines.sort(key=lambda line: (line[1], line[0], line[2]))
    return common.table(("family", "recognised", "with the ending .com", "such as"), [line[2:] for line in lines])


def attention_facts(trained, part):
    """Sentences about where the attention goes, measured on `part`."""
    ids = trained.encode(common.texts_of(part))
    attention = trained.run(ids)[1]["attention"]
    yield common.concentration(attention, ids, "characters")
    padding = ids == 0
    ending = np.zeros(ids.shape, bool)
    for row, (domain, _) in zip(ending, part):
        row[TIMESTEPS - len(domain) + domain.index("."):] = True
    truth = common.labels_of(part)
    for label, name in enumerate(LABELS):
        of = truth == label
        share = [100 * (attention * where)[of].sum() / of.sum() for where in (padding, ending, ~padding & ~ending)]
        size = [100 * where[of].mean() for where in (padding, ending, ~padding & ~ending)]
        yield ("%s: %.0f %% of the attention is on padding (%.0f %% of the positions), %.0f %% on the ending from the first dot on (%.0f %%), "
               "%.0f %% on the name before it (%.0f %%)" % (name, share[0], size[0], share[1], size[1], share[2], size[2]))
    tokens = common.by_token(attention, ids, trained.vocabulary, 50)
    yield "characters with the most attention, in times uniform: " + ", ".join("`%s` %.1f" % entry for entry in tokens[:10])
    yield "and with the least: " + ", ".join("`%s` %.1f" % entry for entry in tokens[-6:])


def card(trained, parts, examples):
    lines = common.made_by(trained, SEED, "%d characters" % len(trained.vocabulary))
    lines += common.overview(trained, parts, "domains")
    test = parts[2]
    counts = common.confusion(trained, test)
    (passed, caught), (missed, found) = counts
    lines += ["On the test part %d of %d generated domains are found and %d of %d legitimate ones are called generated. %s"
              % (found, found + missed, caught, passed + caught, common.interval(counts)), ""]
    moved = [(with_ending(domain, ".com"), label) for domain, label in test]
    (passed, caught), (missed, found) = counts = common.confusion(trained, moved)
    lines += ["With everything from the first dot on replaced by `.com` in all of them, accuracy falls to %s: %d generated ones are found, %d "
              "legitimate ones called generated." % (common.percent(np.trace(counts) / counts.sum(), 2), found, caught), ""]
    lines += ["Family by family, on the test part:", ""] + by_family(trained, test)
    lines += ["Its surest mistakes on the test part:", ""]
    lines += common.table(("domain", "family", "answer", "probability"),
                          [("`%s`" % domain, domain.family, LABELS[said], "%.3f" % given)
                           for domain, _, said, given in common.surest_mistakes(trained, test, 14)])
    lines += ["Attention on the test domains:", ""] + common.bullets(attention_facts(trained, test))
    return lines + common.answers(trained, examples)
