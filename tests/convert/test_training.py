"""What the trainings of the gallery's models share (scripts/training/common.py), on models of a few numbers."""

import numpy as np
import pytest

from training import common


def trained(output, labels=("a", "b")):
    """A model whose ids are the texts' code points and which answers `output(ids)`."""
    return common.Trained(labels, lambda texts: np.array([[ord(char) for char in text] for text in texts]),
                          lambda ids: (output(ids), {"attention": np.full((len(ids), ids.shape[1]), 0.25)}), "dense", "3", "jax 1", "", 0)


def test_the_split_is_the_same_for_every_order_and_loses_nothing():
    strata = {"few": [("x%d" % n, 0) for n in range(9)], "many": [("y%03d" % n, 1) for n in range(200)]}
    parts = common.split(strata, 7)
    assert [len(part) for part in parts] == [9 + 160, 20, 20]
    assert sorted(sum(parts, [])) == sorted(sum(strata.values(), []))
    assert parts == common.split({name: items[::-1] for name, items in strata.items()}, 7)
    assert parts != common.split(strata, 8)
    assert parts[0] != sorted(parts[0])


def test_rows_of_a_file(folder):
    (folder / "data.tsv").write_text("ham\ta\tb\r\nspam\tć\n", encoding="utf-8")
    assert list(common.rows("data.tsv", "\t", 2)) == [["ham", "a\tb"], ["spam", "ć"]]
    (folder / "data.tsv").write_text("ham\ta\nspam\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"data.tsv, line 2: expected 2 fields with '\\t' between them, found 'spam\\n'"):
        list(common.rows("data.tsv", "\t", 2))
    assert common.class_of(("a", "b"), "b", "data.tsv") == 1
    with pytest.raises(SystemExit, match="data.tsv: expected a or b, found 'c'"):
        common.class_of(("a", "b"), "c", "data.tsv")


def test_figures_of_a_confusion_matrix():
    counts = np.array([[6, 2, 0], [1, 3, 0], [4, 0, 0]])
    precision, recall = common.precision_and_recall(counts)
    assert precision == pytest.approx([6 / 11, 3 / 5, 0]) and recall == pytest.approx([3 / 4, 3 / 4, 0])
    assert common.macro_f1(counts) == pytest.approx((12 / 19 + 2 / 3 + 0) / 3)
    assert common.wilson(508, 516) == pytest.approx((0.9697, 0.9921), abs=1e-4)
    assert "97.0 to 99.2 %" in common.interval(np.diag([457, 51]) + np.array([[0, 2], [6, 0]]))


def test_answers_of_one_sigmoid_unit_and_of_a_softmax():
    sigmoid = trained(lambda ids: np.array([[0.25], [0.75]])[: len(ids)])
    assert sigmoid.probabilities(["x", "y"]).tolist() == [[0.75, 0.25], [0.25, 0.75]]
    assert sigmoid.classes(["x", "y"]).tolist() == [0, 1]
    part = [("x", 1), ("y", 1)]
    assert common.confusion(sigmoid, part).tolist() == [[0, 0], [1, 1]]
    assert common.surest_mistakes(sigmoid, part, 5) == [("x", 1, 0, 0.75)]
    softmax = trained(lambda ids: np.array([[0.1, 0.2, 0.7]]), ("a", "b", "c"))
    assert common.answers(softmax, [{"title": "one | two", "text": "x"}])[-2] == "| one \\| two | c | 0.700 |"


def test_how_concentrated_an_attention_is():
    assert common.half_of(np.array([0.1, 0.6, 0.3])) == 1
    assert common.half_of(np.array([0.25, 0.25, 0.25, 0.25])) == 2
    assert common.half_of(np.array([0.4, 0.2, 0.4])) == 2
    ids = np.array([[0, 0, 5, 6, 7, 8], [0, 0, 0, 0, 0, 9]])
    attention = np.array([[0.5, 0.1, 0.1, 0.1, 0.1, 0.1], [0, 0, 0, 0, 0, 1.0]])
    assert "lies on 2 of 4" in common.concentration(attention, ids, "letters")
    assert "gets 1.0 times" in common.concentration(attention, ids, "letters")
    tokens = common.by_token(attention, ids, {"e": 5, "i": 9, "z": 77}, 1)
    assert tokens == [("i", pytest.approx(6)), ("e", pytest.approx(0.6))]


def test_parity_cases_hold_ids_answers_and_the_attention_that_was_asked_for():
    model = trained(lambda ids: np.array([[0.25]], "float32"))
    cases = common.parity(model, [("first", "ab"), ("second", "abcd")], ["second"])["cases"]
    assert cases[0] == {"name": "first", "text": "ab", "ids": [[97, 98]], "outputs": {"dense": {"shape": [1, 1], "values": [0.25]}}}
    assert cases[1]["attention"] == {"attention": {"shape": [1, 4], "values": [0.25] * 4}}
    assert common.lengths("abc", (0, 2, 7)) == [("length 0", ""), ("length 2", "ab"), ("length 7", "abcabca")]


def test_many_texts_go_in_batches_of_one_size():
    sizes = []

    def run(ids):
        sizes.append(len(ids))
        return ids * 2, ids.sum(1)

    ids = np.arange(14).reshape(7, 2)
    double, total = common.in_batches(run, ids, 3)
    assert double.tolist() == (ids * 2).tolist() and total.tolist() == ids.sum(1).tolist()
    common.in_batches(run, ids[:1], 3)
    assert sizes == [3, 3, 3, 1]


def test_only_the_measured_part_of_a_card_is_replaced(folder):
    card = folder / "README.md"
    card.write_text(f"before\n{common.MEASURED_BEGIN}\nold\n{common.MEASURED_END}\nafter\n", encoding="utf-8")
    common.write_card(card, ["new", "ć", ""])
    assert card.read_text(encoding="utf-8") == f"before\n{common.MEASURED_BEGIN}\nnew\nć\n{common.MEASURED_END}\nafter\n"
    card.write_text("nothing", encoding="utf-8")
    with pytest.raises(SystemExit, match="README.md: expected the comments"):
        common.write_card(card, ["new"])
