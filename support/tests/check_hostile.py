"""Gives the same hostile files to all three readers of layer files: check_hostile.py READ_FILES CMAKE

Each reader, of C++, CMake and Python, takes what is right and refuses the rest: in one short sentence, in which nothing reaches a
terminal but printable ASCII, and which has the words that the table asks for.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))
import sepconv_layers

LAYER = {"name": "a", "spatial": [8, 6], "cin": 4, "cout": 8, "kernel": [3, 3]}
MOST = 2**31 - 1
OK = None  # in place of words: the readers take it


def file(*layers, **fields):
    return json.dumps({"version": 1, "layers": list(layers)} | fields)


def layer(**fields):
    return file(LAYER | fields)


def raw(old, new, **fields):
    """The file of one layer with a piece of its text replaced."""
    text = layer(**fields)
    assert old in text
    return text.replace(old, new)


# title: (content, words of the complaint)
CASES = {
    # Names, and other text that programs print
    "a digit as name": (layer(name="5"), OK),
    "quotes and the like": (layer(name="a\"b'; $(id) ${x} $ENV{HOME} \\n [;] #"), OK),
    "brackets": (file(LAYER | {"name": "a[b"}, LAYER | {"name": "c]d;e"}), OK),
    "the longest name": (layer(name="n" * 256), OK),
    "a longer name": (layer(name="n" * 257), "name"),
    "a name of 1 MB": (layer(name="n" * 1_000_000), "name"),
    "an empty name": (layer(name=""), "name"),
    "a number as name": (layer(name=5), "name"),
    "null as name": (layer(name=None), "name"),
    "an escape in the name": (layer(name="a\x1b[31mb"), "name"),
    "a newline in the name": (layer(name="a\nb"), "name"),
    "a newline at the end": (layer(name="a\n"), "name"),
    "a NUL in the name": (layer(name="a\0b"), ""),
    "a delete in the name": (layer(name="a\x7fb"), "name"),
    "a C1 control": (layer(name="a\x9bb"), "name"),
    "text that turns around": (layer(name="a\u202eb"), "name"),
    "letters above ASCII": (layer(name="größe"), "name"),
    "half a character": (raw('"a"', '"\\ud800"'), ""),
    "an escape in between": (layer(between="a\x1b[2Jb", fusable=False), "between"),
    "an empty between": (layer(between="", fusable=False), "between"),
    "an escape in a key": (layer(**{"\x1b[31m": 1}), "31m"),
    "a key of CMake's": (layer(**{"${x};y": 1}), "${x};y"),
    "two equal names": (file(LAYER, LAYER), "name"),
    "prose in any script": (layer(source="größe\n\x1b"), OK),
    # Keys that stand twice
    "cin twice": (raw('"cin": 4', '"cin": 4, "cin": 5'), '"cin" stands twice'),
    "version twice": (
        raw('"version": 1', '"version": 1, "version" : 1'),
        '"version" stands twice',
    ),
    "clamp twice": (
        raw('"X"', '{"clamp": [0, 1], "clamp": [0, 2]}', mid_activation="X"),
        '"clamp" stands twice',
    ),
    "an escaped key twice": (
        raw('"cin": 4', '"cin": 4, "c\\u0069n": 5'),
        "stands twice",
    ),
    "a string like a key": (layer(source='"cin": "cin":', between='{"cin": [;]'), OK),
    # Values of other types, and words
    "version as string": (file(LAYER, version="1"), "version"),
    "another version": (file(LAYER, version=2), "version"),
    "padding in capitals": (layer(padding="SAME"), "padding"),
    "a command": (layer(out_activation="$(id)"), "out_activation"),
    "a word for a number": (layer(residual="x"), "residual"),
    "true for a number": (layer(cin=True), "cin"),
    "a list for a layer": (file([]), ""),
    "a string for a flag": (layer(mid_bias="false"), "mid_bias"),
    # Numbers
    "integers with a point": (layer(cin=4.0, spatial=[8.0, 6]), OK),
    "an integer with an exponent": (raw('"cin": 4', '"cin": 1e3'), OK),
    "the largest size": (layer(spatial=[MOST, 3]), OK),
    "2^31": (layer(cin=2**31), "cin"),
    "2^31 in a list": (layer(spatial=[2**31, 6]), "spatial"),
    "2^31 strides": (layer(strides=[1, 2**31]), "strides"),
    "2^31 zeros": (layer(padding={"before": [0, 2**31], "after": [0, 0]}), "before"),
    "2^31 images": (layer(n=2**31), '"n"|n:'),
    "2^31 times": (layer(repeat=2**31), "repeat"),
    "2^62": (layer(cout=2**62), "cout"),
    "2^63": (layer(cin=2**63), "cin"),
    "2^64": (layer(mult=2**64), "mult"),
    "2^70": (layer(kernel=[3, 2**70]), "kernel"),
    "a size below 0": (layer(cin=-(2**63)), "cin"),
    "a product over 2^63": (layer(cin=MOST, mult=MOST), ""),
    "NaN": (layer(out_activation={"clamp": [float("nan"), 1]}), "not JSON"),
    "infinity": (layer(out_activation={"clamp": [0, float("inf")]}), "not JSON"),
    "more than a number": (raw('"cin": 4', '"cin": 1e999'), ""),
    "more than a bound": (raw('"X"', '{"clamp": [0, 1e999]}', mid_activation="X"), ""),
    "5000 digits": (raw('"cin": 4', f'"cin": {"9" * 5000}'), ""),
    "a number in octal": (raw('"cin": 4', '"cin": 04'), ""),
    "a number with a plus": (raw('"cin": 4', '"cin": +4'), ""),
    "a number in hexadecimal": (raw('"cin": 4', '"cin": 0x4'), ""),
    # What a schema cannot say
    "one axis too few": (layer(strides=[1]), "strides"),
    "a clamp the wrong way": (
        layer(out_activation={"clamp": [6, 0]}),
        "out_activation",
    ),
    "causal in 2-D": (layer(padding="causal"), "padding"),
    "no output": (layer(dilation=[4, 1]), "output"),
    # What is not JSON, or hardly
    "nothing": ("", ""),
    "a comment": ("// layers\n" + layer(), "not JSON|Expecting"),
    "a trailing comma": (raw("]}]}", "]},]}"), ""),
    "a letter behind the end": (layer() + "x", ""),
    "a bracket behind the end": (layer() + "]", ""),
    "two files": (layer() + "," + layer(), ""),
    "single quotes": (layer().replace('"', "'"), ""),
    "a newline in a string": (raw('"a"', '"a\nb"'), ""),
    "half a file": (layer()[:60], ""),
    "Latin-1": (layer(source="X").replace("X", "\udcff"), ""),
    "a byte-order mark": ("\ufeff" + layer(), OK),
    "UTF-16": (layer().encode("utf-16"), ""),
    "zeros": (b"\0" * 1000, ""),
    "deep lists": (raw('"a"', "[" * 500_000 + "]" * 500_000), "nested"),
    "deep objects": (raw('"a"', '{"a":' * 100_000 + "1" + "}" * 100_000), "nested"),
    "deeper than any layer": (raw('"a"', "[" * 900 + "]" * 900), ""),
    "open brackets": ("[" * 1_000_000, ""),
    "a list of 60 KB": (layer(spatial=[1] * 20_000), "spatial"),
    "a string of 1 MB": (layer(cin="9" * 1_000_000), "cin"),
    "1 MB of prose": (layer(source="9" * 1_000_000), OK),
    "a byte too much": (layer() + " " * (2**20 + 1 - len(layer())), "1048576"),
    "100 MB": (layer() + " " * 100_000_000, "1048576"),
}


def by_cpp(program, path):
    done = subprocess.run([program, path], capture_output=True, check=False)
    answer = done.stdout.decode().removesuffix("\n")
    return "" if answer == "ok" else answer, done.returncode == 0


def by_cmake(program, path):
    script = ROOT / "cmake" / "SepconvLayerNames.cmake"
    done = subprocess.run(
        [program, "-D", f"LAYERS={path}", "-P", script],
        capture_output=True,
        check=False,
    )
    text = done.stderr.decode()
    message = text.partition("(message):")[2].partition("Call Stack")[0]
    return " ".join(message.split()), done.returncode == (1 if message else 0)


def by_python(_, path):
    try:
        sepconv_layers.read(path)
    except ValueError as error:
        return str(error), True
    return "", True


def complaint_about(words, answer, ended_well):
    """What is wrong with a reader's answer, or none."""
    if not ended_well:
        return "crashed"
    if (words is OK) != (answer == ""):
        return f"received {answer[:300] or 'nothing'}"
    if any(not " " <= c <= "~" for c in answer):
        return f"lets through {ascii(answer)[:300]}"
    if len(answer) > 900:
        return f"says {len(answer)} characters"
    if words and not any(one in answer for one in words.split("|")):
        return f"says not {words}, but {answer[:300]}"
    return None


def main(read_files, cmake):
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        # What a shell, a build system or a list of CMake's could take for something of its own.
        path = pathlib.Path(folder, "a b;c'd$(e)${f}[g]#h.json")
        for title, (content, words) in CASES.items():
            if isinstance(content, str):
                content = content.encode("utf-8", "surrogateescape")
            path.write_bytes(content)
            for reader, program in (
                (by_cpp, read_files),
                (by_cmake, cmake),
                (by_python, ""),
            ):
                if what := complaint_about(words, *reader(program, str(path))):
                    wrong.append(f"{title}: {reader.__name__} {what}")
    print(f"{len(CASES)} files")
    sys.exit("\n".join(wrong) or 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
