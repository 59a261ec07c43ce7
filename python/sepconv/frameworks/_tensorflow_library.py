"""TensorFlow's compiled operations: where they are, and how they come about."""

import ctypes
import functools
import hashlib
import logging
import os
import pathlib
import subprocess
import tempfile
import warnings
from typing import Any

import tensorflow as tf

from .. import _native

_folder = pathlib.Path(__file__).parent


def cache_folder() -> pathlib.Path:
    folder = os.environ.get("SEPCONV_CACHE")
    if folder:
        return pathlib.Path(folder)
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "sepconv"


def _sources() -> list[pathlib.Path]:
    # In a build tree of the project, the headers lie with the module's sources.
    headers = _folder if (_folder / "entry.h").exists() else _folder.resolve().parents[1] / "src"
    return [_folder / "tensorflow_op.cc", headers / "entry.h", headers / "types.inc"]


def _compile() -> pathlib.Path:
    """The library for this TensorFlow and these sources, compiled if it is not there yet."""
    source, *headers = sources = _sources()
    compiler = os.environ.get("CXX", "c++")
    flags = [*tf.sysconfig.get_compile_flags(), *tf.sysconfig.get_link_flags()]
    # Every input of the compilation but the compiler itself.
    content = "\n".join([tf.__version__, compiler, *flags, *(path.read_text() for path in sources)])
    library = cache_folder() / f"tensorflow-{tf.__version__}-{hashlib.sha256(content.encode()).hexdigest()[:16]}.so"
    if library.exists():
        return library
    library.parent.mkdir(parents=True, exist_ok=True)
    logging.getLogger("sepconv").warning("compiling sepconv's TensorFlow operations, once: %s", library)
    handle, partial = tempfile.mkstemp(suffix=".so", dir=library.parent)
    os.close(handle)
    try:
        options = ["-O2", "-shared", "-fPIC", "-std=c++17", "-w", "-I", str(headers[0].parent)]
        command = [compiler, str(source), "-o", partial, *flags, *options]
        subprocess.run(command, check=True, capture_output=True, text=True)
        os.replace(partial, library)  # a process that does the same at the same time sees all of it or nothing
    finally:
        pathlib.Path(partial).unlink(missing_ok=True)
    return library


@functools.cache
def operations() -> Any:
    """The module with the compiled operations; `None` where they cannot be had."""
    if os.environ.get("SEPCONV_TENSORFLOW_OP") == "0":
        return None
    try:
        library = str(_compile())
        module = tf.load_op_library(library)
        if ctypes.CDLL(library).sepconv_tensorflow_entry(ctypes.c_void_p(_native.entry())) != 0:
            raise OSError(f"{library} is of another version")
    except (OSError, subprocess.CalledProcessError, tf.errors.OpError) as error:
        detail = (getattr(error, "stderr", None) or str(error)).strip()
        warnings.warn(
            f"sepconv's TensorFlow operations could not be compiled, tf.numpy_function takes their place: {detail}",
            stacklevel=2,
        )
        return None
    return module
