"""The models of the benchmark as ONNX graphs, from the weights of the Keras model: for onnxruntime."""

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

OPSET = 17


def reordered(matrix, units, order):
    """The columns of `matrix` (…, gates · units), gate by gate in another order."""
    gates = np.split(matrix, matrix.shape[-1] // units, axis=-1)
    return np.concatenate([gates[index] for index in order], axis=-1)


class Graph:
    """Collects nodes and constants."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, name, value, dtype=np.float32):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype), name))
        return name

    def node(self, operator, inputs, output, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def shape(self, tensor, shape, output):
        return self.node("Reshape", [tensor, self.constant(output + "_shape", shape, np.int64)], output)

    def dense(self, tensor, weights, name):
        product = self.node("MatMul", [tensor, self.constant(name + "_kernel", weights["kernel"])], name + "_product")
        return self.node("Add", [product, self.constant(name + "_bias", weights["bias"])], name)


def recurrent(graph, plan, weights, x):
    """x (steps, batch, features) to the states (batch, steps, width), or to the last one."""
    units = plan.units
    if plan.cell == "gru":
        w = weights["states"]
        graph.constant("W", w["kernel"].T[None])
        graph.constant("R", w["recurrent_kernel"].T[None])
        # Input and state have a bias each, one after the other; without reset_after Keras has only the first.
        bias = w["bias"].reshape(1, -1)
        graph.constant("B", bias if plan.reset_after else np.concatenate([bias, np.zeros_like(bias)], axis=1))
        last = plan.attention == "none"
        outputs = ["", "last"] if last else ["all"]
        # Keras and ONNX agree on the order z, r, h. linear_before_reset is Keras's reset_after.
        graph.nodes.append(helper.make_node("GRU", [x, "W", "R", "B"], outputs, name="gru", hidden_size=units,
                                            linear_before_reset=int(plan.reset_after)))
        if last:
            return graph.node("Squeeze", ["last", graph.constant("first", [0], np.int64)], "prediction")
        squeezed = graph.node("Squeeze", ["all", graph.constant("direction", [1], np.int64)], "all_forward")
        return graph.node("Transpose", [squeezed], "states", perm=[1, 0, 2])
    order = (0, 3, 1, 2)  # Keras: i, f, c, o. ONNX: i, o, f, c.
    both = [weights["states_forward"], weights["states_backward"]]
    graph.constant("W", np.stack([reordered(w["kernel"], units, order).T for w in both]))
    graph.constant("R", np.stack([reordered(w["recurrent_kernel"], units, order).T for w in both]))
    graph.constant("B", np.stack([np.concatenate([reordered(w["bias"], units, order), np.zeros(4 * units)]) for w in both]))
    graph.node("LSTM", [x, "W", "R", "B"], "all", hidden_size=units, direction="bidirectional")
    turned = graph.node("Transpose", ["all"], "all_batch_first", perm=[2, 0, 1, 3])
    return graph.shape(turned, [0, 0, 2 * units], "states")


def multi_head(graph, plan, weights, states):
    """Self-attention: (batch, steps, width) to the same, and the weights (batch, heads, steps, steps)."""
    w, heads, key = weights["attention"], plan.HEADS, plan.KEY
    parts = {}
    for name in ("query", "key", "value"):
        kernel, bias = w[name + "_kernel"], w[name + "_bias"]
        flat = graph.dense(states, {"kernel": kernel.reshape(kernel.shape[0], -1), "bias": bias.reshape(-1)}, name)
        apart = graph.shape(flat, [0, 0, heads, key], name + "_heads")
        parts[name] = graph.node("Transpose", [apart], name + "_first", perm=[0, 2, 3, 1] if name == "key" else [0, 2, 1, 3])
    scaled = graph.node("Mul", [parts["query"], graph.constant("scale", 1 / np.sqrt(key))], "query_scaled")
    scores = graph.node("MatMul", [scaled, parts["key"]], "scores")
    attention = graph.node("Softmax", [scores], "attention", axis=-1)
    mixed = graph.node("Transpose", [graph.node("MatMul", [attention, parts["value"]], "mixed_heads")], "mixed", perm=[0, 2, 1, 3])
    flat = graph.shape(mixed, [0, 0, heads * key], "mixed_flat")
    kernel = w["output_kernel"]
    return graph.dense(flat, {"kernel": kernel.reshape(-1, kernel.shape[-1]), "bias": w["output_bias"]}, "attended")


def onnx_model(plan, weights):
    """The ONNX model of `plan`: "text" in, "prediction" and "attention" out, any batch. `weights` {layer: {name: array}}."""
    graph = Graph()
    if plan.embedding:
        text = helper.make_tensor_value_info("text", TensorProto.INT32, ["batch", plan.steps])
        embedded = graph.node("Gather", [graph.constant("embedding", weights["embedding"]["embeddings"]), "text"], "embedded")
    else:
        text = helper.make_tensor_value_info("text", TensorProto.FLOAT, ["batch", plan.steps, 1])
        embedded = "text"
    states = recurrent(graph, plan, weights, graph.node("Transpose", [embedded], "time_first", perm=[1, 0, 2]))
    shapes = {"prediction": ["batch", 1], "attention": ["batch", plan.steps]}
    if plan.attention == "none":
        shapes = {"prediction": ["batch", plan.units]}
    elif plan.attention == "multi_head":
        shapes["attention"] = ["batch", plan.HEADS, plan.steps, plan.steps]
        context = graph.node("ReduceMean", [multi_head(graph, plan, weights, states)], "context", axes=[1], keepdims=0)
    else:
        hidden = states
        if plan.attention == "additive":
            hidden = graph.node("Tanh", [graph.dense(states, weights["hidden"], "hidden")], "hidden_tanh")
        score = graph.dense(hidden, weights["score"], "score")
        if plan.attention == "classic":
            score = graph.node("Tanh", [score], "score_tanh")
        flat = graph.shape(score, [0, plan.steps], "score_flat")
        attention = graph.node("Softmax", [flat], "attention", axis=-1)
        row = graph.node("Unsqueeze", [attention, graph.constant("row", [1], np.int64)], "attention_row")
        context = graph.node("Squeeze", [graph.node("MatMul", [row, states], "context_row"), "row"], "context")
    if plan.attention != "none":
        graph.node("Sigmoid", [graph.dense(context, weights["prediction"], "prediction_dense")], "prediction")
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    model = helper.make_model(helper.make_graph(graph.nodes, plan.name, [text], outputs, graph.constants),
                              opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    checker.check_model(model)
    return model
