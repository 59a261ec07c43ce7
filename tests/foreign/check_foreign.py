"""Machines that nothing can be linked for here: that the objects of variants are in their format, and have the right symbols.

check_foreign.py TARGETS_JSON SYMBOLS [LLVM_OBJCOPY]

compiles one variant for each machine, with the features and symbols that the build gives its variants (generators/targets.json), and
reads what came out: for Apple's machines with the program sepconv_symbols; with llvm-objcopy, which is what Android's tools have, for
Android's.
"""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile

VARIANT = "2d_f32_nhwc_k3s1d1m1"
ELF, MACHO = "ELF", "Mach-O"
# Halide's name: the schedule, the format, and the number that the format has for the processor.
MACHINES = {
    "arm-64-android": ("arm", ELF, 183),
    "x86-64-android": ("portable", ELF, 62),
    "arm-64-osx": ("arm", MACHO, 0x0100000C),
    "arm-64-ios": ("arm", MACHO, 0x0100000C),
    "x86-64-osx": ("portable", MACHO, 0x01000007),
}


def text(data, at):
    return data[at : data.index(b"\0", at)].decode()


def read_elf(data):
    """The processor, and the symbols that are exported and wanted."""
    machine = struct.unpack_from("<H", data, 18)[0]
    (sections,) = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    headers = [
        struct.unpack_from("<IIQQQQIIQQ", data, sections + i * size)
        for i in range(count)
    ]
    exported, wanted = set(), set()
    for header in headers:
        if header[1] != 2:  # SHT_SYMTAB
            continue
        names = headers[header[6]][4]
        for at in range(header[4], header[4] + header[5], 24):
            name, info, other, section = struct.unpack_from("<IBBH", data, at)
            if info >> 4 and other & 3 == 0:  # not local, default visibility
                (exported if section else wanted).add(text(data, names + name))
    return machine, exported, wanted


def read_macho(data):
    magic, machine, _, _, commands = struct.unpack_from("<IIIII", data)
    if magic != 0xFEEDFACF:
        raise ValueError("not a 64-bit Mach-O file")
    at, exported, wanted = 32, set(), set()
    for _ in range(commands):
        command, size = struct.unpack_from("<II", data, at)
        if command == 2:  # LC_SYMTAB
            symbols, count, strings, _ = struct.unpack_from("<IIII", data, at + 8)
            for i in range(count):
                name, kind = struct.unpack_from("<IB", data, symbols + 16 * i)
                if kind & 1 and not kind & 0x10:  # external, not private
                    defined = exported if kind & 0x0E else wanted
                    defined.add(text(data, strings + name))
        at += size
    return machine, exported, wanted


def compile_variant(machine, schedule, form, build, tools, folder):
    symbols, *objcopy = tools
    target = "target=" + "-".join([machine, *build["leaf_features"]])
    run = [
        build["generator"],
        "-g",
        "separable_conv",
        "-f",
        "leaf",
        "-n",
        "leaf",
        "-o",
        folder,
    ]
    run += ["-e", "object", target, f"variant={VARIANT}", f"schedule={schedule}"]
    subprocess.run(run, check=True)
    names = build["renamed"]
    before, after = f"{folder}/leaf.o", f"{folder}/variant.o"
    if form == MACHO:
        run = [symbols, before, after, "leaf_argv", *names]
    else:
        renames = [word for name in names for word in ("--redefine-sym", name)]
        run = [*objcopy, "--keep-global-symbol=leaf_argv", *renames, before, after]
    subprocess.run(run, check=True)
    return pathlib.Path(after).read_bytes()


def main():
    build, bad = json.loads(pathlib.Path(sys.argv[1]).read_text()), 0
    answers = [pair.split("=")[1] for pair in build["renamed"]]
    looked_at = MACHO if len(sys.argv) < 4 else ELF
    for machine, (schedule, form, number) in MACHINES.items():
        if form != looked_at:
            continue
        with tempfile.TemporaryDirectory() as folder:
            data = compile_variant(machine, schedule, form, build, sys.argv[2:], folder)
        found = (read_macho if form == MACHO else read_elf)(data)
        prefix = "_" if form == MACHO else ""
        fills = {f"{prefix}memset", f"{prefix}bzero"}  # libc's
        wanted = found[2] - fills - {""}
        right = found[:2] == (number, {prefix + "leaf_argv"}) and wanted == {
            prefix + name for name in answers
        }
        print(f"{machine}: {form}, {len(data)} bytes: {'right' if right else found}")
        bad += not right
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
