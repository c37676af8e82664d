"""Makes the benchmark's models with a real Keras: python models.py FOLDER

In FOLDER/<name> of each: model.keras, model.onnx, weights.bin with spec.json that says where which array lies, weights.npz (in
Keras's own order, for another Keras), vocabulary.json, and reference.json with Keras's outputs for some texts.
"""

import json
import os
import pathlib
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras  # noqa: E402
import numpy as np  # noqa: E402

from architecture import PLANS  # noqa: E402
from onnx_graph import onnx_model  # noqa: E402

SEED = 20  # of the weights and the texts


def name_of(plan, path):
    """("states_forward", "recurrent_kernel") of a weight's path in Keras."""
    *owners, name = path.split("/")
    if plan.cell == "bidirectional_lstm" and owners[0] == "states":
        return ("states_backward" if "backward" in path else "states_forward"), name
    if owners[0] == "attention":
        return "attention", {"attention_output": "output"}.get(owners[1], owners[1]) + "_" + name
    return owners[0], name


def scale_weights(model, random):
    """Biases that are not zero, so that a mistake in one shows; embeddings large enough to move the gates."""
    for variable in model.weights:
        if variable.path.endswith("bias"):
            variable.assign(random.uniform(-0.2, 0.2, variable.shape))
        elif variable.path.endswith("embeddings"):
            variable.assign(random.uniform(-0.5, 0.5, variable.shape))


def references(plan, model, random):
    """Keras's outputs for two texts of full length and, where it reads ids, a short one, padded in front."""
    full = model if plan.attention == "none" else plan.with_attention(keras, model)
    if plan.embedding:
        rows = random.integers(1, len(plan.tokens()) + 1, (3, plan.steps))
        rows[2, : plan.steps * 2 // 3] = 0
        fed = rows.astype("int32")
    else:
        rows = random.uniform(-1, 1, (3, plan.steps)).astype("float32")
        fed = rows[..., None]
    outputs = full.predict(fed, verbose=0)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    names = ["prediction", "attention"][: len(outputs)]
    spread = float(np.ptp(outputs[0], axis=0).max())
    if spread < 1e-3:
        raise ValueError(f"{plan.name}: expected outputs that depend on the text, found a spread of {spread:g}")
    return [{"row": row.tolist(), "outputs": {name: np.asarray(output[index], "float32").reshape(-1).tolist()
                                              for name, output in zip(names, outputs)}}
            for index, row in enumerate(rows)]


def make(plan, folder):
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(SEED)
    random = np.random.default_rng(SEED)
    model = plan.build(keras)
    scale_weights(model, random)
    model.save(folder / "model.keras")

    weights, spec, offset = {}, {}, 0
    with open(folder / "weights.bin", "wb") as file:
        for variable in model.weights:
            layer, name = name_of(plan, variable.path)
            array = np.asarray(variable.value, "<f4")
            weights.setdefault(layer, {})[name] = array
            spec.setdefault(layer, {})[name] = {"offset": offset, "shape": list(array.shape)}
            file.write(array.tobytes())
            offset += array.nbytes
    np.savez(folder / "weights.npz", **{f"{index:02d}": array for index, array in enumerate(model.get_weights())})
    (folder / "model.onnx").write_bytes(onnx_model(plan, weights).SerializeToString())
    tokens = plan.tokens() if plan.embedding else []
    if tokens:
        (folder / "vocabulary.json").write_text(json.dumps({token: index + 1 for index, token in enumerate(tokens)}))
    (folder / "reference.json").write_text(json.dumps(references(plan, model, random)))
    described = dict(plan.describe(), tokens=tokens, weights=spec, parameters=model.count_params())
    (folder / "spec.json").write_text(json.dumps(described))  # last: its presence says that the rest is there


if __name__ == "__main__":
    root = pathlib.Path(sys.argv[1])
    for plan in PLANS:
        make(plan, root / plan.name)
    (root / "made_with.json").write_text(json.dumps({"keras": keras.__version__, "backend": keras.backend.backend()}))
