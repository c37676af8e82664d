"""The picture of how cost grows: python plot.py results.json growth.svg"""

import json
import statistics
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "charglow"  # the same numbers give the same file
import matplotlib.pyplot as plt  # noqa: E402

NAMES = {"charglow-node": ("charglow, wasm", "#c2410c", "o"), "charglow-native": ("charglow, native", "#78716c", "s"),
         "onnxruntime-node": ("onnxruntime-web, wasm", "#1d4ed8", "^")}
AXES = {"steps": "timesteps (GRU 250)", "units": "units of the GRU (250 timesteps)"}


def main(results, picture):
    with open(results) as file:
        growth = json.load(file)["growth"]
    figure, plots = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    for plot, (axis, label) in zip(plots, AXES.items()):
        sizes = [int(size) for size in growth[axis]["samples"]]
        for contestant, exponent in growth[axis]["exponents"].items():
            name, colour, marker = NAMES[contestant]
            medians = [statistics.median(growth[axis]["samples"][str(size)][contestant]) for size in sizes]
            plot.loglog(sizes, medians, marker=marker, color=colour, label="%s, exponent %.2f" % (name, exponent))
        plot.set_xticks(sizes, [str(size) for size in sizes])
        plot.minorticks_off()
        plot.set_xlabel(label)
        plot.grid(alpha=0.3)
        plot.legend(frameon=False)
    plots[0].set_ylabel("full forward, milliseconds")
    figure.savefig(picture, metadata={"Date": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
