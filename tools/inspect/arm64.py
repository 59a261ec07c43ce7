"""An AArch64 instruction, as objdump writes it."""

import re

import instruction

BRANCH = re.compile(r"b(\.\w+)?$|cbn?z|tbn?z|ret|br$|udf|brk")
ARITHMETIC = re.compile(
    r"f(add|sub|mul|min|max|cm\w+|ml[as])|bi[tfc]|bsl|and|orr|eor|cm(gt|ge|eq)"
)
COMMENT = re.compile(r"\s*(//.*|<[^>]*>)")
MCA_OPTIONS = ["-march=aarch64"]
MCA_JUMP = "b.ne"


def fma_block(_bits, _fused):
    """Independent multiply-adds, for llvm-mca to say how many a cycle."""
    return [f"fmla v{i}.4s, v30.4s, v31.s[0]" for i in range(24)]


class Instruction(instruction.Instruction):
    def jumps(self):
        """Whether the block ends here."""
        return bool(BRANCH.match(self.mnemonic))

    def falls_through(self):
        return self.mnemonic not in ("b", "br", "ret", "udf", "brk")

    def target(self):
        """The address that a direct jump goes to, else None."""
        if not self.jumps() or not (
            found := re.search(r"(?:0x)?([0-9a-f]+)$", self.operands)
        ):
            return None
        return (
            None if self.mnemonic in ("br", "ret", "udf", "brk") else int(found[1], 16)
        )

    def reads_writes(self):
        """How many registers are loaded from memory, and how many stored."""
        if "[" not in self.operands or not self.mnemonic.startswith(("ld", "st")):
            return 0, 0
        listed = re.match(r"\{([^}]*)\}", self.operands)
        count = 2 if self.mnemonic.startswith(("ldp", "stp", "ldnp", "stnp")) else 1
        if listed and (several := re.match(r"v(\d+)\S* ?- ?v(\d+)", listed[1])):
            count = (int(several[2]) - int(several[1])) % 32 + 1
        elif listed:
            count = listed[1].count(",") + 1
        return (count, 0) if self.mnemonic.startswith("ld") else (0, count)

    def on_stack(self, frame_pointer):
        """A slot of the stack at a fixed place; arrays on the stack are indexed."""
        bases = "sp|x29" if frame_pointer else "sp"
        return bool(re.search(rf"\[({bases})(, ?#[^\]]*)?\]", self.operands))

    def sets_frame_pointer(self):
        return bool(re.match(r"(mov x29, sp|add x29, sp,)", self.text))

    def multiply_add(self):
        return self.mnemonic in ("fmla", "fmls")

    def multiply(self):
        return self.mnemonic == "fmul" and self.vector_bits() > 0

    def broadcast(self):
        return self.mnemonic in ("ld1r", "dup")

    def by_element(self):
        return self.multiply_add() and bool(re.search(r"\.[hsd]\[\d\]$", self.operands))

    def arithmetic(self):
        return bool(ARITHMETIC.match(self.mnemonic))

    def idle(self):
        return self.mnemonic == "nop"

    def vector_bits(self):
        if re.search(r"\bv\d+\.(16b|8h|4s|2d)|\bq\d", self.operands):
            return 128
        return 64 if re.search(r"\bv\d+\.(8b|4h|2s)", self.operands) else 0
