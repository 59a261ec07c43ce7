"""Files that are there whole or not at all."""

import contextlib
import os
import pathlib
import tempfile


@contextlib.contextmanager
def whole_file(path):
    """Gives the path of a new file beside `path`, which takes its place when the block ends well, and is removed when not."""
    path = pathlib.Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        yield name
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def write_file(path, text):
    with whole_file(path) as name:
        pathlib.Path(name).write_text(text)
