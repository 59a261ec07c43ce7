"""The other libraries: each is a module in this folder, and that is all there is to add.

    DISTRIBUTION  its name on PyPI, pinned in requirements-peers.txt
    MODULE        what a program imports
    DEFAULT       whether it takes part unless --peers says otherwise
    MODEL         the file that it loads, a key of models.WRITERS; None: the weights themselves
    candidates(layer, tensors, threads, model)
                  loads a layer in every layout the library has, one after the other, and yields (name, call, output): call() runs
                  the layer once, output() gives its result as channels-last float32

The name of a candidate ends in the layout that the library is given: _cf channels first, _cl channels last. Every library is set up
as its documentation recommends for one model: weights constant, buffers bound once, the wanted number of threads. Nothing of a library
is imported before `candidates`, because its import is timed.
"""

import importlib
import pkgutil

ALL = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def peer(name):
    return importlib.import_module(f"{__name__}.{name}")


def default():
    return tuple(name for name in ALL if peer(name).DEFAULT)
