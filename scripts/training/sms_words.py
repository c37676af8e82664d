"""Ham against spam once more, word by word: a small transformer encoder, whose heads show which word looks at which.

Token and position embedding, one block of self-attention and feed-forward network with residual sums and LayerNormalization, as
in Keras's own example "Text classification with Transformer" but with the normalisation in front, written for Keras 3 (on JAX) in
plain layers and `keras.ops`, so that the whole of it stands in its JSON.

    python3.11 -m venv keras-3 && keras-3/bin/pip install -r scripts/fixtures/requirements-keras-3.txt
    keras-3/bin/python scripts/train.py sms-words SMSSpamCollection.tsv

The data is the SMS Spam Collection v.1: label TAB text, one message a line, UTF-8. Keras's files:

    model.weights.h5  weights only, at the best validation loss
    config.json       model.to_json()
    tokenizer.json    the Keras Tokenizer
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
from training import common, sms_data

TIMESTEPS = 40
VOCABULARY = 2000  # the padding's id 0 and the unknown words' id 1 included
FEATURES = 32
HEADS = 4
INNER = 64
BATCH = 32
PEAK_LEARNING_RATE = 1e-3

LABELS = sms_data.LABELS
SEED = sms_data.SEED
EPOCHS = 6
read = sms_data.read

WEIGHTS, CONFIG, TOKENIZER = "model.weights.h5", "config.json", "tokenizer.json"


def build():
    ids = layers.Input((TIMESTEPS,), name="ids")
    tokens = layers.Embedding(VOCABULARY, FEATURES, name="token_embedding")(ids)
    # The table of positions is the one row of an Embedding that is always asked for its row 0.
    row = layers.Embedding(1, TIMESTEPS * FEATURES, name="position_embedding")(ids[:, :1] * 0)
    positions = layers.Reshape((TIMESTEPS, FEATURES), name="positions")(row)
    x = layers.Add(name="embedded")([tokens, positions])

    present = ops.not_equal(ids, 0)  # (batch, TIMESTEPS): padding is neither attended to nor averaged
    # Normalised before, not after: young embeddings are so small that the attention would stay flat, and a bag of words do the work.
    read = layers.LayerNormalization(epsilon=1e-6, name="attention_norm")(layers.Dropout(0.2, name="embedded_dropout")(x))
    attended = layers.MultiHeadAttention(HEADS, FEATURES // HEADS, name="attention")(read, read, attention_mask=ops.expand_dims(present, 1))
    x = layers.Add(name="attended")([x, layers.Dropout(0.2, name="attended_dropout")(attended)])
    inner = layers.Dense(INNER, activation="relu", name="wide")(layers.LayerNormalization(epsilon=1e-6, name="inner_norm")(x))
    inner = layers.Dense(FEATURES, name="narrow")(inner)
    x = layers.Add(name="fed_forward")([x, layers.Dropout(0.2, name="fed_forward_dropout")(inner)])
    x = layers.LayerNormalization(epsilon=1e-6, name="final_norm")(x)

    total = ops.sum(x * ops.expand_dims(present, -1), axis=1)
    mean = total / (ops.sum(present, axis=1, keepdims=True) + 1e-7)  # an empty text has no words to divide by
    return keras.Model(ids, layers.Dense(1, activation="sigmoid", name="spam")(layers.Dropout(0.2, name="mean_dropout")(mean)))


def encode(tokenizer, texts):
    """Ids of shape (number of texts, TIMESTEPS): padded in front, and cut in front, as pad_sequences does by default."""
    return keras.utils.pad_sequences(tokenizer.texts_to_sequences(texts), maxlen=TIMESTEPS)


def train(parts, folder, epochs):
    """Trains on the first part and leaves the epoch with the lowest loss on the second."""
    keras.utils.set_random_seed(SEED)
    training, validation, _ = parts
    tokenizer = Tokenizer(num_words=VOCABULARY, oov_token="<UNK>")
    tokenizer.fit_on_texts(common.texts_of(training))
    drop_unused(tokenizer)
    write_text(folder / TOKENIZER, tokenizer.to_json() + "\n")
    model = build()
    write_text(folder / CONFIG, model.to_json() + "\n")
    schedule = keras.optimizers.schedules.CosineDecay(PEAK_LEARNING_RATE, epochs * -(-len(training) // BATCH), alpha=0.02)
    model.compile(keras.optimizers.Adam(schedule, clipnorm=1.0), "binary_crossentropy", metrics=["accuracy"])
    best = keras.callbacks.ModelCheckpoint(str(folder / WEIGHTS), save_best_only=True, save_weights_only=True)
    data = [(encode(tokenizer, common.texts_of(part)), common.labels_of(part)) for part in (training, validation)]
    model.fit(*data[0], validation_data=data[1], batch_size=BATCH, epochs=epochs, verbose=2, callbacks=[best])
    model.load_weights(str(folder / WEIGHTS))
    kept = build()
    kept.set_weights(model.get_weights())
    kept.save_weights(str(folder / WEIGHTS))  # without the optimizer's state


def drop_unused(tokenizer):
    """Forgets the words that num_words keeps from being used: they are unknown ones with or without a line in the file."""
    kept = {word for word, number in tokenizer.word_index.items() if number < VOCABULARY}
    tokenizer.word_index = {word: number for word, number in tokenizer.word_index.items() if word in kept}
    tokenizer.index_word = {number: word for word, number in tokenizer.word_index.items()}
    for member in ("word_counts", "word_docs"):
        setattr(tokenizer, member, {word: count for word, count in getattr(tokenizer, member).items() if word in kept})
    tokenizer.index_docs = {number: count for number, count in tokenizer.index_docs.items() if number < VOCABULARY}


# ---- what is published with the weights ----

def answering(model):
    """(ids) -> [output, attention (texts, HEADS, TIMESTEPS, TIMESTEPS)]."""
    reading = keras.Model(model.inputs, model.get_layer("attention_norm").output)

    @jax.jit
    def run(batch):
        x = reading(batch, training=False)
        present = ops.expand_dims(ops.not_equal(batch, 0), 1)
        _, scores = model.get_layer("attention")(x, x, attention_mask=present, return_attention_scores=True, training=False)
        return model(batch, training=False), scores

    return lambda ids: common.in_batches(run, ids)


def load(folder):
    model = keras.models.model_from_json((folder / CONFIG).read_text(encoding="utf-8"))
    model.load_weights(str(folder / WEIGHTS))
    tokenizer = tokenizer_from_json((folder / TOKENIZER).read_text(encoding="utf-8"))
    answer = answering(model)

    def run(ids):
        output, attention = answer(ids)
        return output, {"attention": attention}

    trained = common.Trained(LABELS, lambda texts: encode(tokenizer, texts), run, "spam", keras.__version__, "jax " + jax.__version__,
                             f"JAX {jax.__version__}, NumPy {np.__version__}", model.count_params())
    trained.tokenizer = tokenizer
    return trained


def parity(trained, examples):
    """Keras's answers for the examples, for the lengths at which padding and cutting begin, and for unknown words.

    An attention is HEADS x TIMESTEPS x TIMESTEPS numbers: those of three texts will do.
    """
    words = " ".join(common.example_texts(examples)).split()
    texts = [(f"{size} words", " ".join((words * 3)[:size])) for size in (0, 1, TIMESTEPS - 1, TIMESTEPS, TIMESTEPS + 1, 150)]
    texts += [("unknown words", "Привет, İstanbul 😀 — ΟΔΟΣ 1€")]
    return common.parity(trained, texts + common.numbered(examples), ("1 words", f"{TIMESTEPS + 1} words", "example 1"))


def attention_facts(trained, part):
    """Sentences about where the attention goes, measured on `part`."""
    ids = trained.encode(common.texts_of(part))
    attention = trained.run(ids)[1]["attention"]  # (texts, HEADS, queries, words)
    truth, present = common.labels_of(part), ids != 0
    words = present.sum(1)
    some = words > 1
    received = np.where(present[:, None, :], (attention * present[:, None, :, None]).sum(2), 0)  # by each word, of all queries
    yield common.concentration(received.mean(1), ids, "words")
    query, key = np.nonzero(np.ones((TIMESTEPS, TIMESTEPS)))
    distance = np.abs(query - key).reshape(TIMESTEPS, TIMESTEPS)
    asked = present[:, :, None] & present[:, None, :]
    names = {number: word for word, number in trained.tokenizer.word_index.items()}
    for head in range(HEADS):
        rows = attention[:, head][present]  # one for each word that asks
        sharpest = np.median(rows.max(1) * np.repeat(words, words))
        far = (attention[:, head] * distance * asked).sum() / present.sum()
        flat = (distance * asked).sum(2)[present] / np.repeat(words, words)
        itself = np.einsum("tqq,tq->", attention[:, head], present) / present.sum()
        relative = received[some, head] * words[some, None] / received[some, head].sum(1, keepdims=True)
        by_word = [(number, relative[ids[some] == number]) for number in np.unique(ids[some]) if number > 1]
        top = sorted(((got.mean(), names[number]) for number, got in by_word if len(got) >= 8), reverse=True)[:8]
        unknown = relative[ids[some] == 1].mean()
        yield (f"head {head + 1}: the word that a query looks at most gets {sharpest:.1f} times a flat share (median); {100 * itself:.0f} % "
               f"goes to the query itself; mean distance {far:.1f} words (flat: {flat.mean():.1f}); an unknown word gets {unknown:.1f}; most: "
               + ", ".join(f"`{word}` {times:.1f}" for times, word in top))
    yield learned(attention, ids)
    for label, name in enumerate(LABELS):
        of = some & (truth == label)
        sharp = (received.mean(1)[of].max(1) / received.mean(1)[of].sum(1) * words[of])
        yield f"{name}: the most regarded word of a message gets {np.median(sharp):.1f} times a flat share, over all heads and queries (median)"


def learned(attention, ids):
    """A sentence: how far the attention (texts, HEADS, queries, words) went from that of the model before its training."""
    keras.utils.set_random_seed(SEED)
    _, before = answering(build())(ids)
    present, words = ids != 0, (ids != 0).sum(1)
    peak = np.median(before.max(-1).transpose(0, 2, 1)[present] * np.repeat(words, words)[:, None])
    both = [(old[:, asks][:, :, asks], new[:, asks][:, :, asks]) for old, new, asks in zip(before, attention, present) if asks.sum() > 4]
    alike = np.median([np.corrcoef(one, other)[0, 1] for old, new in both for one, other in zip(old.reshape(-1, old.shape[-1]),
                                                                                              new.reshape(-1, new.shape[-1]))])
    return (f"before its training, from the same seed, the word that a query looks at most got {peak:.1f} times a flat share (median), and the "
            f"attention of a query then and now correlate by {alike:.2f} (median)")


def card(trained, parts, examples):
    lengths = np.array([len(sequence) for sequence in trained.tokenizer.texts_to_sequences(common.texts_of(parts[0]))])
    unknown = np.mean([number == 1 for row in trained.encode(common.texts_of(parts[2])) for number in row if number])
    lines = common.made_by(trained, SEED, f"{VOCABULARY - 2:,} known words")
    lines += sms_data.figures(trained, parts)
    lines += [f"{common.percent(np.mean(lengths > TIMESTEPS))} of the training messages have more than {TIMESTEPS} words and lose their beginning; "
              f"{common.percent(unknown)} of the words in the test messages are unknown ones.", ""]
    lines += ["All its mistakes on the test part, the surest first:", ""]
    lines += common.table(("message", "is", "answer", "probability"),
                          [(shortened(text), LABELS[label], LABELS[said], "%.3f" % given)
                           for text, label, said, given in common.surest_mistakes(trained, parts[2], len(parts[2]))])
    lines += ["Attention on the test messages:", ""] + common.bullets(attention_facts(trained, parts[2]))
    return lines + common.answers(trained, examples)


def shortened(text, length=110):
    """Markdown of a message's beginning, in which digits are told by 0: numbers that people may still have."""
    text = "".join("0" if char.isdigit() else char for char in " ".join(text.split()))
    return "`%s`" % ((text if len(text) <= length else text[:length].rstrip() + "…").replace("`", "'"))
