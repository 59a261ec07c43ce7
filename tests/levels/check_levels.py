"""No instruction above a level outside the objects of that level.

check_levels.py OBJDUMP ARCHIVE...

A member called <variant>_<target>.o may hold the instructions of its target; every other member, such as those of the runtime, only
those of the processor's baseline. Disassembles all of them.
"""

import re
import subprocess
import sys

# Instructions by the level that brings them; the text is a line of objdump, the mnemonic first. A target's objects may hold what
# its own levels bring.
X86 = {
    "sse41": re.compile(
        r"(addsub|hadd|hsub)p[sd] |lddqu|mov(d|sh|sl)dup |palignr|pabs[bwd] |pshufb|psign|ph(add|sub)|pmulhrsw|pmaddubsw"
        r"|p?blend|dpp[sd] |insertps|extractps|mpsadbw|packusdw|pcmpeqq|pextr[bdq] |pinsr[bdq] |phminpos|p(max|min)(s[bd]|u[wd]) "
        r"|pmov[sz]x|pmul(dq|ld) |ptest|round[ps][sd] "
    ),
    "haswell": re.compile(
        r"popcnt|crc32|pcmp[ei]str|pcmpgtq|movbe|lzcnt|andn |bextr|bls(i|r|msk) |bzhi|pdep|pext |rorx|mulx|s[ah][lr]x "
    ),
    "crypto": re.compile(r"aes|pclmul|sha(1|256)|ad[co]x "),
    "avx": re.compile(r"v(?!err|erw|mcall|mrun|mload|msave)\w+"),
    "avx512": re.compile(
        r"k(mov|or|and|not|xor|test|unpck|shift|add)\w* |.*(%zmm|%[xy]mm(1[6-9]|2\d|3[01])|\{%k)"
    ),
    "bf16": re.compile(r"vdpbf16|vcvtne|vpdp(bus|wss)|vpermb |vpmadd52"),
}
ARM64 = {
    "dot": re.compile(r"[us]dot "),
    "fp16": re.compile(r"f(?!mov|cvt)\w+ .*(\.[48]h|\bh\d)"),
    "sve": re.compile(r".*\bz\d+\.[bhsd]\b|.*\bp\d+/[mz]"),
    "later": re.compile(
        r"bf(dot|mla|mmla|cvt)|[us]mmla|ldapr|cas[albhp]* |swp[albh]* |ld(add|clr|set|eor)[albh]* |fcmla|fcadd"
    ),
}
ARM32 = {
    "neon": re.compile(r"v\w+\.\w+ .*q\d|v(ld|st)[1-4]\."),
    "later": re.compile(r"v[us]dot|vfm(al|sl)\."),
}
RISCV = {
    "rvv": re.compile(r"v(set\w*vl\w*|l\d?e\d+|s\d?e\d+|lse|sse|f\w+|\w+\.v[vxi])")
}

PROCESSORS = {"x86-64": X86, "aarch64": ARM64, "littlearm": ARM32, "riscv": RISCV}
ALLOWED = {
    "x86_sse41": {"sse41"},
    "x86_avx2": {"sse41", "haswell", "avx"},
    "x86_avx512": {"sse41", "haswell", "avx", "avx512"},
    "arm_neon": set(),
    "arm32_neon": {"neon"},
}
MEMBER = re.compile(r"(\S+):\s+file format \S*?(x86-64|aarch64|littlearm|riscv)")
INSTRUCTION = re.compile(r"\s*[0-9a-f]+:\s+(\S.*)")


def allowed(member, processor):
    if processor == "riscv" and member.endswith(("_portable.o", "_riscv_v256.o")):
        return {"rvv"}
    return next((a for t, a in ALLOWED.items() if member.endswith(f"_{t}.o")), set())


def check(lines):
    """(members, instructions, sentences of what is wrong)"""
    members, instructions, wrong = [], 0, []
    rules = {}
    for line in lines:
        if found := MEMBER.match(line):
            members.append(found[1])
            mine = allowed(found[1], found[2])
            rules = {k: v for k, v in PROCESSORS[found[2]].items() if k not in mine}
        elif found := INSTRUCTION.match(line):
            instructions += 1
            text = (
                re.sub(r"\s+", " ", re.sub(r"\s*(<[^>]*>|//.*|#.*)", "", found[1]))
                + " "
            )
            wrong += [
                f"{members[-1]}: {level}: {text}"
                for level, rule in rules.items()
                if rule.match(text)
            ]
    return members, instructions, wrong


def main():
    objdump, *archives = sys.argv[1:]
    bad = 0
    for archive in archives:
        command = [objdump, "-d", "-w", "--no-show-raw-insn", archive]
        listing = subprocess.run(
            command, check=True, capture_output=True, text=True
        ).stdout
        members, instructions, wrong = check(listing.splitlines())
        print(
            f"{archive}: {len(members)} objects, {instructions} instructions, {len(wrong)} above their level"
        )
        print("\n".join(wrong[:20]))
        bad += bool(wrong) or not members or not instructions
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
