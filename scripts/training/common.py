"""What the trainings of the gallery's models share: the split, Keras's answers, figures and tables for the model card.

Runs on Python 3.7 (Keras 2.2) as well as on 3.11, and imports no Keras itself.
"""

import math
import platform
import random

import numpy as np

from fixtures.common import made_with, named_array, write_text

MEASURED_BEGIN = "<!-- measured: written by scripts/train.py -->"
MEASURED_END = "<!-- /measured -->"
PARTS = ("training", "validation (chose the epoch)", "**test (held out)**")


class Trained:
    """A trained model, as its card and its parity vectors see it.

    labels      names of the classes
    encode      (texts) -> ids (number of texts, timesteps)
    run         (ids) -> (output, {layer: attention}), as Keras computes them
    output      name of the output layer
    keras       Keras's version
    backend     "tensorflow 2.15.1"
    packages    further versions for people, "h5py 3.16.0"
    parameters  how many
    """

    def __init__(self, labels, encode, run, output, keras, backend, packages, parameters):
        self.labels, self.encode, self.run, self.output = labels, encode, run, output
        self.keras, self.backend, self.packages, self.parameters = keras, backend, packages, parameters
        self.answered = {}  # output by ids: the card asks for the same texts again and again

    def probabilities(self, texts):
        """(number of texts, classes); a single sigmoid unit is the probability of the second class."""
        ids = self.encode(texts)
        key = ids.tobytes()
        if key not in self.answered:
            self.answered[key], _ = self.run(ids)
        output = self.answered[key]
        return np.hstack([1 - output, output]) if output.shape[1] == 1 else output

    def classes(self, texts):
        """The class that each text is given."""
        return np.argmax(self.probabilities(texts), axis=1)


def in_batches(run, ids, size=256):
    """run(batch) -> arrays, of all `ids`, in batches of 1 or of `size`: a compiled `run` is compiled anew for every other."""
    if len(ids) == 1:
        return [np.asarray(array) for array in run(ids)]
    padded = np.concatenate([ids, np.zeros((-len(ids) % size, ids.shape[1]), ids.dtype)])
    results = [run(padded[start:start + size]) for start in range(0, len(padded), size)]
    return [np.concatenate([np.asarray(array) for array in arrays])[:len(ids)] for arrays in zip(*results)]


# ---- data ----

def rows(path, separator, columns):
    """The fields of each line of a text file; the last one may hold the separator. SystemExit at a line with too few."""
    with open(str(path), encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, 1):
            fields = line.rstrip("\r\n").split(separator, columns - 1)
            if len(fields) != columns:
                raise SystemExit("%s, line %d: expected %d fields with %r between them, found %r"
                                 % (path, number, columns, separator, line[:40]))
            yield fields


def class_of(labels, name, path):
    """The number of the class `name`. SystemExit where it is none of `labels`."""
    if name not in labels:
        raise SystemExit("%s: expected %s, found %r" % (path, " or ".join(labels), name))
    return labels.index(name)


def split(strata, seed):
    """80 % training, 10 % validation, 10 % test of every stratum; the same for every run, whatever the data's order.

    strata  {stratum: [item, …]}, in the order of its strata
    """
    parts = ([], [], [])
    for items in strata.values():
        group = sorted(items)
        random.Random(seed).shuffle(group)
        tenth = len(group) // 10
        for part, some in zip(parts, (group[2 * tenth:], group[:tenth], group[tenth:2 * tenth])):
            part.extend(some)
    return parts


def texts_of(part):
    return [text for text, _ in part]


def labels_of(part):
    return np.array([label for _, label in part])


# ---- parity.json ----

def lengths(words, sizes):
    """Texts of `sizes` characters, [(name, text), …]: those at which padding and cutting begin."""
    return [("length %d" % size, (words * (1 + size // len(words)))[:size]) for size in sizes]


def example_texts(examples):
    return [example["text"] for example in examples]


def numbered(examples):
    return [("example %d" % number, example["text"]) for number, example in enumerate(examples, 1)]


def parity(trained, texts, with_attention=None):
    """Keras's answers for [(name, text), …] as scripts/FORMAT.md section 6 wants them.

    with_attention  names of the texts whose attention is recorded; None: of all
    """
    cases = []
    for name, text in texts:
        ids = trained.encode([text])
        output, attention = trained.run(ids)
        case = {"name": name, "text": text, "ids": ids.tolist(), "outputs": {trained.output: named_array(output)}}
        if with_attention is None or name in with_attention:
            case["attention"] = {layer: named_array(weights) for layer, weights in attention.items()}
        cases.append(case)
    return {"made_with": made_with(trained.keras, trained.backend), "cases": cases}


# ---- figures ----

def confusion(trained, part):
    """Counts, (true class, answered class)."""
    counts = np.zeros((len(trained.labels), len(trained.labels)), int)
    np.add.at(counts, (labels_of(part), trained.classes(texts_of(part))), 1)
    return counts


def precision_and_recall(counts):
    """Of each class, of a confusion matrix; 0 where a class is never answered."""
    right = np.diag(counts)
    return right / np.maximum(counts.sum(0), 1), right / np.maximum(counts.sum(1), 1)


def macro_f1(counts):
    """The mean over the classes of the harmonic mean of precision and recall."""
    precision, recall = precision_and_recall(counts)
    return np.mean(2 * precision * recall / np.maximum(precision + recall, 1e-12))


def wilson(right, total):
    """The 95 % interval of a share, Wilson's."""
    z, share = 1.959964, right / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return middle - half, middle + half


def percent(share, digits=1):
    return "%.*f %%" % (digits, 100 * share)


def interval(counts):
    """A sentence: how sure the accuracy of a confusion matrix is."""
    right, total = int(np.trace(counts)), int(counts.sum())
    low, high = wilson(right, total)
    return ("With %s texts one error is %.2f percentage points; the 95 %% interval of the accuracy on the test part (Wilson) is "
            "%.1f to %.1f %%." % (format(total, ","), 100 / total, 100 * low, 100 * high))


# ---- attention ----

def half_of(weights):
    """How few of the weights (tokens,) hold half of their sum."""
    return int(np.searchsorted(np.cumsum(np.sort(weights)[::-1]), weights.sum() / 2) + 1)


def concentration(attention, ids, unit):
    """A sentence: how much of the attention (texts, timesteps) the most regarded tokens of a text hold, padding (id 0) apart."""
    texts = [row[some] for row, some in zip(attention, ids != 0) if some.sum() > 1]
    times = [row.max() / row.sum() * len(row) for row in texts]
    return ("half of what a text's %s get lies on %d of %d (medians); the most regarded one gets %.1f times what each would get of a "
            "flat attention (median; 90 %% of the texts: more than %.1f)"
            % (unit, np.median([half_of(row) for row in texts]), np.median([len(row) for row in texts]), np.median(times),
               np.percentile(times, 10)))


def by_token(attention, ids, tokens, least):
    """[(token, its mean attention in times 1/timesteps)] of the tokens met `least` times, by falling attention."""
    relative = attention * attention.shape[1]
    got = [(token, relative[ids == token_id]) for token, token_id in tokens.items()]
    return sorted(((token, some.mean()) for token, some in got if len(some) >= least), key=lambda entry: -entry[1])


# ---- the model card ----

def table(header, lines):
    """A table in Markdown; cells are turned into text."""
    cells = [header, ["---"] * len(header)] + [[str(cell).replace("|", "\\|") for cell in line] for line in lines]
    return ["| %s |" % " | ".join(line) for line in cells] + [""]


def bullets(sentences):
    return ["- " + sentence for sentence in sentences] + [""]


def made_by(trained, seed, further):
    """The card's first sentence."""
    return ["Made with Keras %s, %s, Python %s; seed %d; %s parameters, %s."
            % (trained.keras, trained.packages, platform.python_version(), seed, format(trained.parameters, ","), further), ""]


def overview(trained, parts, unit):
    """The parts beside one another: accuracy, and what does not depend on how frequent a class is."""
    lines = []
    for name, part in zip(PARTS, parts):
        counts = confusion(trained, part)
        _, recall = precision_and_recall(counts)
        lines.append((name, format(len(part), ","), percent(np.trace(counts) / len(part), 2), percent(recall.mean()),
                      "%.3f" % macro_f1(counts)))
    return table(("part", unit, "accuracy", "balanced accuracy", "macro F1"), lines)


def answers(trained, examples):
    """What the model answers to the examples. tests/bindings/gallery.test.mjs holds the engine against this table."""
    lines = []
    for example, given in zip(examples, trained.probabilities(example_texts(examples))):
        lines.append((example["title"], trained.labels[int(np.argmax(given))], "%.3f" % given.max()))
    return ["The examples of `about.json`, and what the model answers:", ""] + table(("example", "answer", "probability"), lines)


def surest_mistakes(trained, part, count):
    """[(text, true class, answered class, its probability)] where the model errs, the surest first."""
    given = trained.probabilities(texts_of(part))
    said = np.argmax(given, axis=1)
    wrong = [(text, label, int(answer), float(row[answer])) for (text, label), answer, row in zip(part, said, given) if answer != label]
    return sorted(wrong, key=lambda one: (-one[3], one[0]))[:count]


def write_card(path, lines):
    """Replaces the measured part of the model card; everything else in it is written by hand."""
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(MEASURED_BEGIN)
    _, end, after = rest.partition(MEASURED_END)
    if not begin or not end:
        raise SystemExit("%s: expected the comments %s and %s, found no such pair. Add them." % (path, MEASURED_BEGIN, MEASURED_END))
    write_text(path, "%s%s\n%s\n%s%s" % (before, begin, "\n".join(lines).rstrip("\n"), end, after))
