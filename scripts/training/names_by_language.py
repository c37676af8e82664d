"""The language of a family name, among 18, from its letters.

A bidirectional LSTM whose states are weighed by AttentionWithContext, the attention of the hierarchical networks of 2016,
written for Keras 3 (on JAX) and saved as `.keras`. Padding is masked.

    python3.11 -m venv keras-3 && keras-3/bin/pip install -r scripts/fixtures/requirements-keras-3.txt
    keras-3/bin/python scripts/train.py names-by-language names_by_language.tsv

The data: language TAB name, one name a line, UTF-8. Keras's files:

    model.keras     the full model at its best validation loss, without the optimizer's state
    tokenizer.json  the Keras Tokenizer
"""

import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")  # one thread: sums are always added in one order

import jax
import keras
import numpy as np
from keras import layers, ops
from keras.src.legacy.preprocessing.text import Tokenizer, tokenizer_from_json

from fixtures.common import write_text
from training import common

TIMESTEPS = 24
EMBEDDING = 32
UNITS = 64
BATCH = 64
PEAK_LEARNING_RATE = 3e-3
SHARPENING_EPOCHS = 6
ENTROPY_PENALTY = 0.05

LABELS = ("Arabic", "Chinese", "Czech", "Dutch", "English", "French", "German", "Greek", "Irish", "Italian", "Japanese", "Korean",
          "Polish", "Portuguese", "Russian", "Scottish", "Spanish", "Vietnamese")
SEED = 1878
EPOCHS = 24

MODEL, TOKENIZER = "model.keras", "tokenizer.json"


def read(path):
    """{language: [((name, languages), …]}, each distinct name once, under the rarest of its languages.

    The Arabic list holds 108 names 2,000 times in all, and 469 names stand in the lists of several languages. Both would stand
    in training and test part at once, so that a name goes to one part, with all its languages.
    """
    languages = {}
    for language, name in common.rows(path, "\t", 2):
        languages.setdefault(name.strip(), set()).add(common.class_of(LABELS, language, path))
    sizes = np.bincount([label for some in languages.values() for label in some], minlength=len(LABELS))
    strata = {label: [] for label in range(len(LABELS))}
    for name, some in languages.items():
        strata[min(some, key=lambda label: (sizes[label], label))].append((name, tuple(sorted(some))))
    return strata


def pairs(part):
    """[(name, label), …]: a name of several languages stands there once for each."""
    return [(name, label) for name, some in part for label in some]


@keras.saving.register_keras_serializable(package="charglow")
class AttentionWithContext(layers.Layer):
    """h (batch, T, d), with its mask m -> sum over t of alpha_t h_t, where s = tanh(h W + b) u and alpha = exp(s) m / (sum + eps)."""

    def __init__(self, **options):
        super().__init__(**options)
        self.supports_masking = True
        self.penalty = 0.0  # in training, of each nat of the attention's entropy

    def build(self, shape):
        features = shape[-1]
        self.W = self.add_weight(shape=(features, features), initializer="glorot_uniform", name="W")
        self.b = self.add_weight(shape=(features,), initializer="zeros", name="b")
        self.u = self.add_weight(shape=(features,), initializer=keras.initializers.RandomUniform(-0.2, 0.2), name="u")

    def alpha(self, h, mask=None):
        projected = ops.tanh(ops.matmul(h, self.W) + self.b)
        weights = ops.exp(ops.squeeze(ops.matmul(projected, ops.expand_dims(self.u, -1)), -1))
        if mask is not None:
            weights = weights * ops.cast(mask, weights.dtype)
        return weights / (ops.sum(weights, axis=1, keepdims=True) + keras.config.epsilon())

    def call(self, h, mask=None):
        alpha = self.alpha(h, mask)
        if self.penalty:
            self.add_loss(-self.penalty * ops.mean(ops.sum(alpha * ops.log(alpha + keras.config.epsilon()), axis=1)))
        return ops.sum(h * ops.expand_dims(alpha, -1), axis=1)

    def compute_mask(self, h, mask=None):
        return None

    def get_config(self):
        return super().get_config()  # the one that Keras makes up where there is none leaves the name out


def build(vocabulary_size):
    """`vocabulary_size` counts the padding's id 0."""
    return keras.Sequential([
        layers.Input((TIMESTEPS,)),
        layers.Embedding(vocabulary_size, EMBEDDING, mask_zero=True),
        layers.Dropout(0.1),
        layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True)),
        layers.Dropout(0.2),
        AttentionWithContext(name="attention"),
        layers.Dropout(0.2),
        layers.Dense(len(LABELS), activation="softmax"),
    ])


def encode(tokenizer, texts):
    """Ids of shape (number of texts, TIMESTEPS): padded in front, and cut in front, as pad_sequences does by default."""
    return keras.utils.pad_sequences(tokenizer.texts_to_sequences(texts), maxlen=TIMESTEPS)


def train(parts, folder, epochs):
    """Trains on the first part and leaves the epoch with the lowest loss on the second; then once more, for a sharper attention.

    A language weighs as much as the square root of its number of names: midway between all names alike and all languages alike.
    """
    training, validation = (pairs(part) for part in parts[:2])
    tokenizer = Tokenizer(char_level=True, oov_token="<UNK>")
    tokenizer.fit_on_texts(common.texts_of(training))
    write_text(folder / TOKENIZER, tokenizer.to_json() + "\n")
    keras.utils.set_random_seed(SEED)
    fit(build(len(tokenizer.word_index) + 1), tokenizer, training, validation, folder, epochs, PEAK_LEARNING_RATE)
    sharpen(tokenizer, training, validation, folder)


def sharpen(tokenizer, training, validation, folder):
    """Goes on with the model in `folder` under a penalty on the attention's entropy. A bidirectional LSTM can carry everything to
    every letter, and then nothing makes it choose: without the penalty the attention is nearly flat."""
    keras.utils.set_random_seed(SEED)
    model = keras.models.load_model(str(folder / MODEL), compile=False)
    model.get_layer("attention").penalty = ENTROPY_PENALTY
    fit(model, tokenizer, training, validation, folder, SHARPENING_EPOCHS, PEAK_LEARNING_RATE / 3)


def fit(model, tokenizer, training, validation, folder, epochs, peak):
    """Leaves the epoch with the lowest loss on the validation part in `folder`, without the optimizer's state."""
    sizes = np.bincount(common.labels_of(training), minlength=len(LABELS))
    weights = np.sqrt(1 / sizes)
    weights /= np.average(weights, weights=sizes)  # 1 on average, so that the loss is of the usual size

    def arrays(part):
        labels = common.labels_of(part)
        return encode(tokenizer, common.texts_of(part)), labels, weights[labels]

    schedule = keras.optimizers.schedules.CosineDecay(peak, epochs * -(-len(training) // BATCH), alpha=0.02)
    model.compile(keras.optimizers.Adam(schedule, clipnorm=1.0), "sparse_categorical_crossentropy", weighted_metrics=["accuracy"])
    ids, labels, weighing = arrays(training)
    best = keras.callbacks.ModelCheckpoint(str(folder / MODEL), save_best_only=True)
    model.fit(ids, labels, sample_weight=weighing, validation_data=arrays(validation), batch_size=BATCH, epochs=epochs, verbose=2,
              callbacks=[best])
    kept = keras.models.load_model(str(folder / MODEL), compile=False)
    kept.save(str(folder / MODEL), include_optimizer=False)


# ---- what is published with the weights ----

def load(folder):
    model = keras.models.load_model(str(folder / MODEL), compile=False)
    tokenizer = tokenizer_from_json((folder / TOKENIZER).read_text(encoding="utf-8"))
    before = model.layers[:model.layers.index(model.get_layer("attention"))]

    @jax.jit
    def run(batch):
        states = batch
        for layer in before:
            states = layer(states)
        return model(batch, training=False), model.get_layer("attention").alpha(states, mask=ops.not_equal(batch, 0))

    def run_all(ids):
        output, attention = common.in_batches(run, ids)
        return output, {"attention": attention}

    trained = common.Trained(LABELS, lambda texts: encode(tokenizer, texts), run_all, model.layers[-1].name, keras.__version__,
                             "jax " + jax.__version__, f"JAX {jax.__version__}, NumPy {np.__version__}", model.count_params())
    trained.tokenizer = tokenizer
    return trained


def parity(trained, examples):
    """Keras's answers for the examples, for the lengths at which padding and cutting begin, and for unknown characters."""
    words = " ".join(common.example_texts(examples)).replace("?", "")
    texts = common.lengths(words, (0, 1, TIMESTEPS - 1, TIMESTEPS, TIMESTEPS + 1, 100))
    texts += [("unknown characters", "Пётр Ильич 7"), ("capitals", "ŚĆŻ ÑÜ O'NEILL")]
    return common.parity(trained, texts + common.numbered(examples))


def by_language(counts):
    """A table: each language's names in the test part, and what became of them."""
    precision, recall = common.precision_and_recall(counts)
    lines = []
    for label in np.argsort(-counts.sum(1), kind="stable"):
        others = [(counts[label, other], LABELS[other]) for other in range(len(LABELS)) if other != label and counts[label, other]]
        most = ", ".join(f"{name} {count}" for count, name in sorted(others, key=lambda one: (-one[0], one[1]))[:3])
        lines.append((LABELS[label], counts[label].sum(), common.percent(recall[label], 0), common.percent(precision[label], 0), most))
    return common.table(("language", "names", "found", "right where answered", "taken for, most often"), lines)


def attention_facts(trained, part):
    """Sentences about where the attention goes, measured on `part`."""
    ids = trained.encode(common.texts_of(part))
    attention = trained.run(ids)[1]["attention"]
    yield common.concentration(attention, ids, "letters")
    lengths = (ids != 0).sum(1)
    times = attention * lengths[:, None]  # 1 is what every letter of a name would get of a flat attention
    known = np.arange(TIMESTEPS)[None, :] - (TIMESTEPS - lengths[:, None])  # place from the front, negative in the padding
    places = {"first": known == 0, "second": known == 1, "third": known == 2}
    places.update({name: (known >= 3) & (np.arange(TIMESTEPS)[None, :] == TIMESTEPS - back)
                   for name, back in (("third last", 3), ("second last", 2), ("last", 1))})
    yield ("by the place in a name, in times of a flat attention: "
           + ", ".join(f"{name} letter {times[some].mean():.2f}" for name, some in places.items()))
    yield f"padding gets {attention[ids == 0].sum() / len(attention):.6f} of a name's attention: it is masked"


def card(trained, parts, examples):
    told = [pairs(part) for part in parts]
    lines = common.made_by(trained, SEED, f"{len(trained.tokenizer.word_index) - 1} characters")
    lines += common.overview(trained, told, "names")
    counts = common.confusion(trained, told[2])
    lines += [common.interval(counts), ""]
    several = [some for _, some in parts[2] if len(some) > 1]
    right = sum(answer in some for (_, some), answer in zip(parts[2], trained.classes([name for name, _ in parts[2]])))
    lines += [f"{len(several)} of the {len(parts[2]):,} test names stand in the lists of several languages, and count once for each. "
              f"Whoever reads only the name can be right on at most "
              f"{common.percent(len(parts[2]) / len(told[2]))}. Of the distinct names, {common.percent(right / len(parts[2]))} get a language "
              "that they are listed under.", ""]
    lines += ["Language by language, on the test part:", ""] + by_language(counts)
    wrong = common.surest_mistakes(trained, [(name, some[0]) for name, some in parts[2] if len(some) == 1], 12)
    lines += ["Its surest mistakes on the test part, among the names of one language:", ""]
    lines += common.table(("name", "is listed as", "answer", "probability"),
                          [(name, LABELS[label], LABELS[said], "%.3f" % given) for name, label, said, given in wrong])
    lines += ["Attention on the test names:", ""] + common.bullets(attention_facts(trained, told[2]))
    return lines + common.answers(trained, examples)
