"""The models of the benchmark, as Keras builds them. Works with Keras 3 and with tf.keras 2.15, and imports neither."""

import string

# 80 characters; the i-th has id i + 1, and 0 is padding.
CHARACTERS = string.ascii_letters + string.digits + " .,;:!?'\"()-+*/=%$"
assert len(CHARACTERS) == len(set(CHARACTERS)) == 80


def words(count):
    """`count` different words of three and more lower-case letters; the i-th has id i + 1."""
    letters = string.ascii_lowercase
    made = []
    for number in range(count):
        word = ""
        for _ in range(4):
            number, letter = divmod(number, 26)
            word += letters[letter]
        made.append(word)
    return made


class Plan:
    """One model of the benchmark.

    name       folder below build/bench/models
    steps      timesteps
    units      of the recurrent layer
    attention  "classic": Dense(1, tanh) → Flatten → Softmax → RepeatVector → Permute → Multiply → sum;
               "additive": the same with a hidden layer in front, score = v · tanh(W h + b);
               "multi_head": self-attention of 4 heads, averaged; "none": the last state is the output
    cell       "gru" or "bidirectional_lstm"
    embedding  width of the Embedding; 0: one number for each timestep, no Embedding
    words      size of a vocabulary of words, 0: of characters
    reset_after  of the GRU; TensorFlow.js's own layer knows only False
    """

    HEADS, KEY = 4, 32

    def __init__(self, name, steps, units, attention="classic", cell="gru", embedding=100, words=0,
                 reset_after=True):
        self.name, self.steps, self.units = name, steps, units
        self.attention, self.cell, self.embedding, self.words = attention, cell, embedding, words
        self.reset_after = reset_after

    def tokens(self):
        return words(self.words) if self.words else list(CHARACTERS)

    def build(self, keras):
        """The Keras model: from ids (batch, steps) to one number between 0 and 1."""
        L, name = keras.layers, self.name
        ids = L.Input((self.steps,) if self.embedding else (self.steps, 1), name="text")
        x = L.Embedding(len(self.tokens()) + 1, self.embedding, name="embedding")(ids) if self.embedding else ids
        if self.cell == "gru":
            x = L.GRU(self.units, return_sequences=self.attention != "none", reset_after=self.reset_after,
                      name="states")(x)
            width = self.units
        else:
            x = L.Bidirectional(L.LSTM(self.units, return_sequences=True), merge_mode="concat", name="states")(x)
            width = 2 * self.units
        if self.attention == "none":
            return keras.models.Model(ids, x, name=name)
        if self.attention == "multi_head":
            attended, _ = L.MultiHeadAttention(self.HEADS, self.KEY, name="attention")(
                x, x, return_attention_scores=True)
            context = L.GlobalAveragePooling1D(name="mean")(attended)
        else:
            hidden = L.Dense(128, activation="tanh", name="hidden")(x) if self.attention == "additive" else x
            score = L.Dense(1, activation="linear" if self.attention == "additive" else "tanh", name="score")(hidden)
            weights = L.Activation("softmax", name="attention")(L.Flatten()(score))
            repeated = L.Permute((2, 1))(L.RepeatVector(width)(weights))
            weighted = L.Multiply()([x, repeated])
            context = total(keras, weighted)
        return keras.models.Model(ids, L.Dense(1, activation="sigmoid", name="prediction")(context), name=name)

    def with_attention(self, keras, model):
        """The same model with what it attends with as its second output, as the engine and the rivals give it."""
        if self.attention == "none":
            return model
        layer = model.get_layer("attention")
        attention = layer.output[1] if self.attention == "multi_head" else layer.output
        return keras.models.Model(model.inputs, [model.outputs[0], attention])

    def describe(self):
        """What the runners need to know, for spec.json."""
        return {"name": self.name, "steps": self.steps, "units": self.units, "attention": self.attention,
                "cell": self.cell, "embedding": self.embedding, "unit": "word" if self.words else "char",
                "heads": self.HEADS, "key": self.KEY, "reset_after": self.reset_after}


def total(keras, weighted):
    """Σ over the timesteps."""
    if hasattr(keras, "ops"):
        return keras.ops.sum(weighted, axis=1)
    return keras.layers.Lambda(lambda x: keras.backend.sum(x, axis=1))(weighted)


GROWTH_STEPS = (50, 100, 250, 500, 1000, 2000, 4000)
GROWTH_UNITS = (32, 64, 128, 256, 512, 1024)

PLANS = [
    Plan("classic", 250, 250),
    Plan("classic-reset-before", 250, 250, reset_after=False),
    Plan("bilstm", 512, 128, attention="additive", cell="bidirectional_lstm", embedding=64),
    Plan("multi-head", 256, 128, attention="multi_head", embedding=64),
    Plan("words", 100, 128, words=20_000),
    Plan("stress", 2000, 512),
    Plan("recurrence", 250, 250, attention="none", embedding=0),
    *(Plan(f"steps-{steps}", steps, 250) for steps in GROWTH_STEPS),
    *(Plan(f"units-{units}", 250, units) for units in GROWTH_UNITS),
]
