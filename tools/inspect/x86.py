"""An x86 instruction, as objdump writes it in AT&T syntax."""

import re

import instruction

PREFIXES = {"data16", "cs", "ds", "rep", "repz", "repnz", "lock", "notrack"}
FMA = re.compile(r"vfn?m(add|sub)\w*p[sdh]$")
MULTIPLY = re.compile(r"v?mulp[sd]$")
BROADCAST = re.compile(r"v?p?broadcast|v?movddup|v?shufps \$0x0,")
ARITHMETIC = re.compile(r"v?(add|sub|mul|min|max|cmp\w*|and|or|xor)p[sd]$|vblend|vfn?m")
ONLY_READS = re.compile(r"cmp|test|bt$|v?u?comis|push|jmp|call|prefetch")
ONLY_WRITES = re.compile(r"v?p?mov|vextract|v?pextr|set|vcvtps2ph|pop")
WIDTHS = (("zmm", 512), ("ymm", 256), ("xmm", 128))
COMMENT = re.compile(r"\s*(#.*|<[^>]*>)")
MCA_OPTIONS = []
MCA_JUMP = "jne"


def fma_block(bits, fused):
    """Independent multiply-adds, for llvm-mca to say how many a cycle."""
    r = [f"%{ {512: 'zmm', 256: 'ymm', 128: 'xmm'}[bits] }{i}" for i in range(16)]
    if fused:
        return [f"vfmadd231ps {r[14]},{r[15]},{r[i]}" for i in range(12)]
    return [f"mulps %xmm15,%xmm{i}" for i in range(12)]


class Instruction(instruction.Instruction):
    @classmethod
    def parse(cls, address, words):
        while len(words) > 1 and words[0] in PREFIXES:
            words.pop(0)
        return super().parse(address, words)

    def jumps(self):
        """Whether the block ends here."""
        return self.mnemonic.startswith(("j", "ret", "ud2"))

    def falls_through(self):
        return not self.mnemonic.startswith(("jmp", "ret", "ud2"))

    def target(self):
        """The address that a direct jump goes to, else None."""
        if not self.mnemonic.startswith("j") or self.operands.startswith("*"):
            return None
        return int(self.operands, 16)

    def reads_writes(self):
        """How many values of memory are read, and how many written."""
        if "(" not in self.operands or self.mnemonic.startswith(("lea", "nop")):
            return 0, 0
        last = self.operands.endswith((")", "}")) and "(" in split(self.operands)[-1]
        if not last or ONLY_READS.match(self.mnemonic):
            return 1, 0
        one = len(split(self.operands)) == 1 and not self.mnemonic.startswith("set")
        return int(not ONLY_WRITES.match(self.mnemonic) or one), 1

    def on_stack(self, frame_pointer):
        """A slot of the stack at a fixed place; arrays on the stack are indexed."""
        bases = "rsp|rbp" if frame_pointer else "rsp"
        return bool(re.search(rf"\(%({bases})\)", self.operands))

    def sets_frame_pointer(self):
        return self.text == "mov %rsp,%rbp"

    def multiply_add(self):
        return bool(FMA.match(self.mnemonic))

    def multiply(self):
        return bool(MULTIPLY.match(self.mnemonic))

    def broadcast(self):
        return bool(BROADCAST.match(self.text)) or "{1to" in self.operands

    def by_element(self):
        return False

    def arithmetic(self):
        return bool(ARITHMETIC.match(self.mnemonic))

    def idle(self):
        return self.mnemonic.startswith("nop")

    def vector_bits(self):
        return next((bits for name, bits in WIDTHS if name in self.operands), 0)


def split(operands):
    """The operands; commas inside parentheses do not separate."""
    return re.split(r",(?![^(]*\))", operands)
