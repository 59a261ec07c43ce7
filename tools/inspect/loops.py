"""The innermost loops of a compiled x86 function, and what their instructions do.

A loop is found in the control flow graph of the disassembly: a branch back to a block that is still being visited closes one, and
its body is whatever reaches that branch without leaving through the loop's first block. Blocks that the compiler moved out of
line are thus counted where they run.
"""

import dataclasses
import re
import subprocess

INSTRUCTION = re.compile(r"\s+([0-9a-f]+):\s+(\S.*)")
FUNCTION = re.compile(r"[0-9a-f]+ <(.+)>:$")
PREFIXES = {"data16", "cs", "ds", "rep", "repz", "repnz", "lock", "notrack"}
FMA = re.compile(r"vfn?m(add|sub)\w*p[sdh]$")
MULTIPLY = re.compile(r"v?mulp[sd]$")
BROADCAST = re.compile(r"v?p?broadcast|v?movddup|v?shufps \$0x0,")
ARITHMETIC = re.compile(r"v?(add|sub|mul|min|max|cmp\w*|and|or|xor)p[sd]$|vblend|vfn?m")
ONLY_READS = re.compile(r"cmp|test|bt$|v?u?comis|push|jmp|call|prefetch")
ONLY_WRITES = re.compile(r"v?p?mov|vextract|v?pextr|set|vcvtps2ph|pop")
WIDTHS = (("zmm", 512), ("ymm", 256), ("xmm", 128))


@dataclasses.dataclass
class Instruction:
    address: int
    mnemonic: str
    operands: str

    @property
    def text(self):
        return f"{self.mnemonic} {self.operands}".strip()

    def target(self):
        """The address that a direct jump goes to, else None."""
        if not self.mnemonic.startswith("j") or self.operands.startswith("*"):
            return None
        return int(self.operands, 16)

    def reads_writes(self):
        """Whether the memory operand is read, and whether it is written."""
        if "(" not in self.operands or self.mnemonic.startswith(("lea", "nop")):
            return False, False
        last = self.operands.endswith((")", "}")) and "(" in split(self.operands)[-1]
        if not last or ONLY_READS.match(self.mnemonic):
            return True, False
        one = len(split(self.operands)) == 1 and not self.mnemonic.startswith("set")
        return not ONLY_WRITES.match(self.mnemonic) or one, True

    def on_stack(self, frame_pointer):
        """A slot of the stack at a fixed place; arrays on the stack are indexed."""
        bases = "rsp|rbp" if frame_pointer else "rsp"
        return bool(re.search(rf"\(%({bases})\)", self.operands))


def split(operands):
    """The operands; commas inside parentheses do not separate."""
    return re.split(r",(?![^(]*\))", operands)


@dataclasses.dataclass
class Loop:
    function: str
    instructions: list
    blocks: int
    frame_pointer: bool

    def counts(self):
        """What the loop does in one iteration; `multiply_adds` are FMAs, or multiplications where there is no FMA."""
        fmas = sum(bool(FMA.match(i.mnemonic)) for i in self.instructions)
        multiplies = sum(bool(MULTIPLY.match(i.mnemonic)) for i in self.instructions)
        traffic = [(i, *i.reads_writes()) for i in self.instructions]
        spills = [i for i, read, write in traffic if (read or write) and self.slot(i)]
        loads = sum(read for _, read, _ in traffic)
        return {
            "role": self.role(),
            "address": self.instructions[0].address,
            "blocks": self.blocks,
            "instructions": len(self.instructions),
            "multiply_adds": fmas or multiplies,
            "fused": fmas > 0,
            "vector_bits": self.vector_bits(),
            "loads": loads,
            "broadcasts": self.broadcasts(),
            "stores": sum(write for _, _, write in traffic),
            "spills": len(spills),
            "loads_per_multiply_add": round(loads / (fmas or multiplies), 3)
            if fmas or multiplies
            else None,
        }

    def slot(self, instruction):
        return instruction.on_stack(self.frame_pointer)

    def broadcasts(self):
        return sum(
            bool(BROADCAST.match(i.text)) or "{1to" in i.operands
            for i in self.instructions
        )

    def vector_bits(self):
        text = " ".join(i.operands for i in self.instructions)
        return next((bits for name, bits in WIDTHS if name in text), 0)

    def role(self):
        """As well as can be told: the pointwise stage multiplies by broadcasts, the depthwise stage by vectors."""
        if any(
            FMA.match(i.mnemonic) or MULTIPLY.match(i.mnemonic)
            for i in self.instructions
        ):
            return "pointwise" if self.broadcasts() else "depthwise"
        vectors = [i for i in self.instructions if re.search("%[xyz]mm", i.operands)]
        if not any(i.reads_writes()[1] for i in vectors):
            return "other"
        if any(ARITHMETIC.match(i.mnemonic) for i in vectors):
            return "elementwise"
        return "copy" if any(i.reads_writes()[0] for i in vectors) else "fill"


def disassemble(objdump, file):
    """{function: [Instruction]} of an object file."""
    text = subprocess.run(
        [objdump, "-d", "-w", "--no-show-raw-insn", file],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return parse(text)


def parse(text):
    functions, current = {}, None
    for line in text.splitlines():
        if found := FUNCTION.match(line):
            current = functions.setdefault(found[1], [])
        elif current is not None and (found := INSTRUCTION.match(line)):
            words = re.sub(r"\s*(#.*|<[^>]*>)", "", found[2]).split()
            while len(words) > 1 and words[0] in PREFIXES:
                words.pop(0)
            current.append(
                Instruction(int(found[1], 16), words[0], " ".join(words[1:]))
            )
    return functions


def innermost_loops(function, instructions):
    """The loops that hold no other loop, in the order of their addresses."""
    blocks, successors = control_flow(instructions)
    loops = natural_loops(successors)
    frame_pointer = any(i.text == "mov %rsp,%rbp" for i in instructions[:20])
    result = []
    for header, body in sorted(loops.items()):
        if any(other in body for other in loops if other != header):
            continue
        inside = [i for start in sorted(body) for i in blocks[start]]
        result.append(Loop(function, inside, len(body), frame_pointer))
    return result


def control_flow(instructions):
    """Basic blocks and their successors, both by the block's first address."""
    addresses = {i.address for i in instructions}
    leaders = {instructions[0].address} if instructions else set()
    for here, after in zip(instructions, [*instructions[1:], None]):
        if here.mnemonic.startswith(("j", "ret", "ud2")):
            leaders.update(a for a in [here.target()] if a in addresses)
            if after:
                leaders.add(after.address)
    blocks, current = {}, None
    for i in instructions:
        if i.address in leaders:
            current = blocks.setdefault(i.address, [])
        current.append(i)
    successors = {}
    for (start, block), after in zip(blocks.items(), [*list(blocks)[1:], None]):
        last = block[-1]
        out = [last.target()] if last.target() in blocks else []
        if after is not None and not last.mnemonic.startswith(("jmp", "ret", "ud2")):
            out.append(after)
        successors[start] = out
    return blocks, successors


def natural_loops(successors):
    """{header: blocks of the body}."""
    predecessors = {b: [] for b in successors}
    for block, after in successors.items():
        for b in after:
            predecessors[b].append(block)
    loops = {}
    for end, header in back_edges(successors):
        body = loops.setdefault(header, {header})
        waiting = [end]
        while waiting:
            block = waiting.pop()
            if block not in body:
                body.add(block)
                waiting.extend(predecessors[block])
    return loops


def back_edges(successors):
    """Edges to a block on the path of a depth-first walk; in reducible code, which compilers write, these close the loops."""
    edges, seen, path = [], set(), set()
    if not successors:
        return edges
    first = next(iter(successors))
    stack = [(first, iter(successors[first]))]
    seen.add(first)
    path.add(first)
    while stack:
        block, after = stack[-1]
        for b in after:
            if b in path:
                edges.append((block, b))
            elif b not in seen:
                seen.add(b)
                path.add(b)
                stack.append((b, iter(successors[b])))
                break
        else:
            stack.pop()
            path.discard(block)
    return edges
