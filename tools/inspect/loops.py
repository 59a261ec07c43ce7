"""The innermost loops of a compiled function, and what their instructions do.

A loop is found in the control flow graph of the disassembly: a branch back to a block that is still being visited closes one, and
its body is whatever reaches that branch without leaving through the loop's first block. Blocks that the compiler moved out of
line are thus counted where they run. What an instruction does is x86.py's and arm64.py's knowledge.
"""

import dataclasses
import re
import subprocess
import sys

import arm64
import x86

INSTRUCTION = re.compile(r"\s+([0-9a-f]+):\s+(\S.*)")
FUNCTION = re.compile(r"[0-9a-f]+ <(.+)>:$")
FORMAT = re.compile(r".*file format .*(aarch64|arm64|elf64-little$)")


@dataclasses.dataclass
class Loop:
    function: str
    instructions: list
    blocks: int
    frame_pointer: bool

    def counts(self):
        """What the loop does in one iteration; `multiply_adds` are FMAs, or multiplications where there is no FMA."""
        fmas = sum(i.multiply_add() for i in self.instructions)
        multiplies = sum(i.multiply() for i in self.instructions)
        traffic = [(i, *i.reads_writes()) for i in self.instructions]
        spills = sum(max(read, write) for i, read, write in traffic if self.slot(i))
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
            "spills": spills,
            "loads_per_multiply_add": round(loads / (fmas or multiplies), 3)
            if fmas or multiplies
            else None,
        }

    def isa(self):
        return sys.modules[type(self.instructions[0]).__module__]

    def slot(self, instruction):
        return instruction.on_stack(self.frame_pointer)

    def broadcasts(self):
        return sum(i.broadcast() for i in self.instructions)

    def vector_bits(self):
        return max(i.vector_bits() for i in self.instructions)

    def role(self):
        """As well as can be told: the pointwise stage multiplies by broadcasts, the depthwise stage by vectors."""
        if any(i.multiply_add() or i.multiply() for i in self.instructions):
            elements = any(i.by_element() for i in self.instructions)
            return "pointwise" if elements or self.broadcasts() else "depthwise"
        vectors = [i for i in self.instructions if i.vector_bits()]
        if not any(i.reads_writes()[1] for i in vectors):
            return "other"
        if any(i.arithmetic() for i in vectors):
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
    functions, current, isa = {}, None, x86
    for line in text.splitlines():
        if "file format" in line:
            isa = arm64 if FORMAT.match(line) else x86
        elif found := FUNCTION.match(line):
            current = functions.setdefault(found[1], [])
        elif current is not None and (found := INSTRUCTION.match(line)):
            words = isa.COMMENT.sub("", found[2]).split()
            current.append(isa.Instruction.parse(int(found[1], 16), words))
    return functions


def innermost_loops(function, instructions):
    """The loops that hold no other loop, in the order of their addresses."""
    blocks, successors = control_flow(instructions)
    loops = natural_loops(successors)
    frame_pointer = any(i.sets_frame_pointer() for i in instructions[:20])
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
        if here.jumps():
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
        if after is not None and last.falls_through():
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
