"""The SMS Spam Collection v.1, on which two models of the gallery are trained: with the same split, so that they can be compared."""

import html

from training import common

LABELS = ("ham", "spam")
SEED = 2011


def read(path):
    """{label: [(text, label), …]} of the distinct messages; label 0 is ham, 1 is spam.

    The collection holds some 400 exact copies; left in, they would stand in training and test part at once. It also
    holds HTML entities ("&lt;" for "<"), which are an accident of its making, not what a phone showed.
    """
    messages = {html.unescape(text): common.class_of(LABELS, label, path) for label, text in common.rows(path, "\t", 2)}
    return {label: [(text, of) for text, of in messages.items() if of == label] for label in range(len(LABELS))}


def figures(trained, parts):
    """What the model gets right and wrong, for the model card."""
    lines = []
    for name, part in zip(common.PARTS, parts):
        counts = common.confusion(trained, part)
        (passed, caught), (missed, found) = counts
        lines.append((name, format(len(part), ","), common.percent((passed + found) / len(part), 2),
                      common.percent(found / (found + caught)), common.percent(found / (found + missed)), found, missed, caught, passed))
    header = ("part", "messages", "accuracy", "precision", "recall", "spam found", "spam missed", "ham called spam", "ham passed")
    return common.table(header, lines) + [common.interval(counts), ""]
