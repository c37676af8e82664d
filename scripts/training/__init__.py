"""The models of the gallery, web/models: how each is trained. scripts/train.py is the command.

`common.py` holds what they share and imports no Keras: each model has a generation of Keras of its own. A model's module has

    LABELS, SEED, EPOCHS                names of the classes; of split and training; passes over the training part
    read(path)                          -> {stratum: [(text, label), …]}, the distinct texts of the data
    train(parts, folder, epochs)        trains, and writes Keras's files into the model's folder
    load(folder)                        -> common.Trained, from these files
    parity(trained, examples)           -> what parity.json holds
    card(trained, parts, examples)      -> the measured part of the model card: a list of lines of Markdown
"""
