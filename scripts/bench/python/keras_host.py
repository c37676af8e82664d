"""Keras as a contestant of the benchmark: the requests and replies of runners/host.mjs, a line of JSON each.

python keras_host.py: with Keras 3 where $KERAS_BACKEND is set, else with the tf.keras of an installed TensorFlow. "runtime" of
an "open" request: "predict", model.predict as Keras's users call it; "compiled", the model's call through tf.function or jax.jit.
The model is built anew from architecture.py and gets its weights from weights.npz, because no Keras 2 reads Keras 3's files.
"""

import importlib.metadata
import json
import os
import pathlib
import resource
import sys
import time
import traceback

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np  # noqa: E402

from architecture import PLANS  # noqa: E402

BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")
if BACKEND == "tensorflow":
    import tensorflow as tf
    from tensorflow import keras
    BACKEND_VERSION = "TensorFlow " + tf.__version__
else:
    import jax
    import keras
    BACKEND_VERSION = "JAX " + jax.__version__


def compiled(model):
    """A function from an array to a list of arrays, compiled at its first call for each shape."""
    if BACKEND == "tensorflow":
        function = tf.function(lambda x: model(x, training=False))
        return lambda x: [tensor.numpy() for tensor in listed(function(tf.constant(x)))]
    variables = [variable.value for variable in model.trainable_variables], [v.value for v in model.non_trainable_variables]
    function = jax.jit(lambda x: model.stateless_call(*variables, x, training=False)[0])
    return lambda x: [np.asarray(tensor) for tensor in listed(function(x))]


def listed(outputs):
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


class Opened:
    def __init__(self, folder, runtime, batch):
        folder = pathlib.Path(folder)
        self.plan = next(plan for plan in PLANS if plan.name == folder.name)
        model = self.plan.build(keras)
        with np.load(folder / "weights.npz") as arrays:
            model.set_weights([arrays[name] for name in sorted(arrays)])
        model = self.plan.with_attention(keras, model)
        if runtime == "predict":
            self.call = lambda x: listed(model.predict(x, batch_size=batch, verbose=0))
        elif runtime == "compiled":
            self.call = compiled(model)
        else:
            raise ValueError("runtime: expected predict or compiled, found %s" % runtime)
        self.steps, self.next = [], 0

    def prepare(self, step):
        rows = np.array(step["rows"], dtype="int32" if self.plan.embedding else "float32")
        return rows if self.plan.embedding else rows[..., None]

    def sample(self, count):
        total, done = 0.0, 0
        while done < count:
            timed, x = self.steps[self.next % len(self.steps)]
            self.next += 1
            if not timed:  # nothing is reused from one call to the next
                continue
            start = time.perf_counter()
            self.call(x)
            total += time.perf_counter() - start
            done += 1
        return total * 1000 / count


def answer(request, models):
    op = request["op"]
    if op == "version":
        return {"version": "Keras %s, %s" % (importlib.metadata.version("keras"), BACKEND_VERSION)}
    if op == "memory":
        return {"kilobytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}
    if op == "open":
        start = time.perf_counter()
        models[request["key"]] = Opened(request["folder"], request["runtime"], request.get("batch", 32))
        return {"ms": (time.perf_counter() - start) * 1000}
    opened = models[request["key"]]
    if op == "check":
        outputs = opened.call(opened.prepare(request["step"]))
        return {"outputs": {name: array.reshape(-1).astype(float).tolist()
                            for name, array in zip(("prediction", "attention"), outputs)}}
    if op == "prepare":
        opened.steps = [(step["timed"], opened.prepare(step)) for step in request["steps"]]
        opened.next = 0
        return {}
    if op == "sample":
        return {"ms": opened.sample(request["count"])}
    if op == "close":
        del models[request["key"]]
        return {}
    raise ValueError("op: expected one of open, check, prepare, sample, close, version, memory, found %s" % op)


def main():
    # Whatever the libraries print must not get between the replies.
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    models = {}
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line), models)
        except Exception:
            reply = {"error": traceback.format_exc()}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
