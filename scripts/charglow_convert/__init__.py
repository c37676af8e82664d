"""The converter behind scripts/convert.py: Keras files in, bundles (scripts/FORMAT.md) out.

    cli             options, the order of the work, exit codes
    sniff           which reader a file needs, or what it looks like instead
    sources         opens a file with its reader
    keras_hdf5      reader: full-model and weights-only HDF5 files of Keras 1 to 3
    keras_v3        reader: .keras and .weights.h5 of Keras 2.12 to 3
    hdf5            guarded access to an HDF5 file's objects, attributes and datasets
    archive         guarded access to a ZIP archive's members
    probe           lets another process read the file first, which may hang or crash
    model           what a reader hands over: Model, Layer, Tensor
    text            vocabulary files and text options -> the bundle's `text`
    choices         what the user decides of what the file leaves open
    annotations     labels, title, licence, examples, parity
    bundle          digest, both forms, replacing the output in one step
    summary         what a person reads afterwards
    strict_json     JSON in (no duplicate keys, no NaN) and out
    errors          the one kind of error a user sees

A reader for another file format is one more module like keras_hdf5 and a line each in sniff and sources.
"""
