"""Ham against spam, character by character, with an attention that can be shown.

The architecture is the classic one that this project exists for (Embedding, GRU, softmax attention over the
timesteps, weighted sum, sigmoid), trained with tf.keras 2.15, the last Keras that writes the HDF5 format natively.

    python3.11 -m venv keras-2.15 && keras-2.15/bin/pip install -r scripts/fixtures/requirements-keras-2.15.txt
    keras-2.15/bin/python scripts/train.py sms-spam SMSSpamCollection.tsv

The data is the SMS Spam Collection v.1: label TAB text, one message a line, UTF-8. Keras's files:

    weights.best.hdf5  the full model at its best validation loss. ModelCheckpoint writes it with Adam's state; it is
                       saved again without, because the state triples the file and nobody continues this training
    tokenizer.json     the Keras Tokenizer
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import h5py
import keras
import numpy as np
import tensorflow as tf
from tensorflow.keras import backend as K
from tensorflow.keras import layers
from tensorflow.keras.preprocessing.sequence import pad_sequences
from tensorflow.keras.preprocessing.text import Tokenizer, tokenizer_from_json

from fixtures.common import without_path, write_text
from training import common, sms_data

TIMESTEPS = 250
EMBEDDING = 100
UNITS = 250
BATCH = 32
PEAK_LEARNING_RATE = 1e-3

LABELS = sms_data.LABELS
SEED = sms_data.SEED
EPOCHS = 30
read = sms_data.read

WEIGHTS, TOKENIZER = "weights.best.hdf5", "tokenizer.json"


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
    return encode(tokenizer, common.texts_of(part)), common.labels_of(part).astype("float32")


def train(parts, folder, epochs):
    """Trains on the first part and leaves the epoch with the lowest loss on the second."""
    tf.config.threading.set_intra_op_parallelism_threads(2)
    tf.keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    training, validation, _ = parts
    tokenizer = Tokenizer(char_level=True)
    tokenizer.fit_on_texts(common.texts_of(training))
    write_text(folder / TOKENIZER, tokenizer.to_json() + "\n")
    model = build(len(tokenizer.word_index) + 1)
    steps = epochs * -(-len(training) // BATCH)
    schedule = tf.keras.optimizers.schedules.CosineDecay(PEAK_LEARNING_RATE, steps, alpha=0.02)
    model.compile(tf.keras.optimizers.Adam(schedule, clipnorm=1.0), "binary_crossentropy", metrics=["accuracy"])
    model.fit(*arrays(tokenizer, training), validation_data=arrays(tokenizer, validation), batch_size=BATCH, epochs=epochs,
              verbose=2, callbacks=[tf.keras.callbacks.ModelCheckpoint(str(folder / WEIGHTS), save_best_only=True)])
    drop_optimizer(folder / WEIGHTS)


def drop_optimizer(weights_path):
    """Saves the model in `weights_path` again without the optimizer's state."""
    weights = load_model(weights_path).get_weights()
    K.clear_session()  # so that the layers get the same names again
    model = build(weights[0].shape[0])
    model.set_weights(weights)
    model.save(str(weights_path), include_optimizer=False, save_format="h5")


def load_model(weights_path):
    return tf.keras.models.load_model(str(weights_path), custom_objects={"K": K}, compile=False)


# ---- what is published with the weights ----

def load(folder):
    model = load_model(folder / WEIGHTS)
    tokenizer = tokenizer_from_json((folder / TOKENIZER).read_text(encoding="utf-8"))
    probe = tf.keras.Model(model.inputs, [model.output, model.get_layer("attention_vec").output])

    def run(ids):
        if len(ids) == 1:
            output, attention = (tensor.numpy() for tensor in probe(ids, training=False))
        else:
            output, attention = probe.predict(ids, batch_size=128, verbose=0)
        return output, {"attention_vec": attention}

    trained = common.Trained(
        LABELS, lambda texts: encode(tokenizer, texts), run, model.output_names[0], keras.__version__, "tensorflow " + tf.__version__,
        f"TensorFlow {tf.__version__}, h5py {h5py.__version__}, NumPy {np.__version__}", model.count_params())
    trained.tokenizer = tokenizer
    return trained


def parity(trained, examples):
    """Keras's answers for the examples, for the lengths at which padding and cutting begin, and for unknown characters."""
    texts = common.lengths(" ".join(common.example_texts(examples)), (0, 1, TIMESTEPS - 1, TIMESTEPS, TIMESTEPS + 1, 910))
    texts += [("unknown characters", "Привет, İstanbul 😀 — ΟΔΟΣ 1€")]
    return common.parity(trained, texts + common.numbered(examples))


def attention_facts(trained, part):
    """Sentences about where the attention goes, measured on `part`."""
    ids, truth = trained.encode(common.texts_of(part)), common.labels_of(part)
    attention = trained.run(ids)[1]["attention_vec"]
    padding = ids == 0
    share = np.sum(attention * padding, axis=1)
    relative = attention * TIMESTEPS  # 1 is what every position would get from a uniform attention
    by_character = dict(common.by_token(attention, ids, trained.tokenizer.word_index, 50))
    yield (f"largest weight over smallest within a message: median {np.median(attention.max(1) / attention.min(1)):.1f} "
           f"(at most {np.exp(2):.2f} with a tanh score; 1 would be a flat attention)")
    yield f"largest weight: median {np.median(relative.max(1)):.1f} times the uniform weight 1/{TIMESTEPS}"
    for label, name in enumerate(LABELS):
        of = truth == label
        yield (f"{name}: {100 * share[of].mean():.0f} % of the attention is on padding, which is "
               f"{100 * padding[of].mean():.0f} % of the positions")
    yield ("characters with the most attention, in times uniform: "
           + ", ".join(f"`{char}` {times:.1f}" for char, times in list(by_character.items())[:12]))
    yield (f"a space gets {by_character[' ']:.2f}, the letter e {by_character['e']:.2f}, "
           f"padding {relative[padding].mean():.2f}")


def card(trained, parts, examples):
    lines = common.made_by(trained, SEED, f"{len(trained.tokenizer.word_index)} characters")
    lines += sms_data.figures(trained, parts)
    lines += ["Attention on the test messages:", ""] + common.bullets(attention_facts(trained, parts[2]))
    return lines + common.answers(trained, examples)
