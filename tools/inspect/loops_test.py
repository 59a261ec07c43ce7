"""Tests of loops.py, on listings whose counts can be seen by eye."""

import unittest

import arm64
import loops
import x86

# An outer loop around a hot one, which has a block moved out of line (at 60): the way objdump writes them.
LISTING = """
0000000000000000 <leaf>:
       0:\tpush   %rbp
       4:\txor    %eax,%eax
      10:\tvxorps %xmm0,%xmm0,%xmm0
      14:\tvbroadcastss (%rdi,%rax,4),%ymm1
      18:\tvfmadd231ps (%rsi),%ymm1,%ymm0
      1c:\tvmovaps 0x20(%rsp),%ymm2
      20:\tvfmadd231ps 0x40(%rsp,%rax,4),%ymm2,%ymm3        # an array on the stack is no spill
      24:\tvmovaps %ymm3,0x20(%rsp)
      28:\tlea    0x8(%rsp),%rbx
      2c:\ttest   %rbx,%rbx
      30:\tje     60 <leaf+0x60>
      34:\tadd    $0x1,%rax
      38:\tcmp    %rax,%rcx
      3c:\tjne    14 <leaf+0x14>
      40:\tvmovups %ymm0,(%rdx)
      44:\tdec    %r8
      48:\tjne    10 <leaf+0x10>
      4c:\tret
      60:\tvfmadd231ps %ymm4,%ymm5,%ymm6
      64:\tjmp    34 <leaf+0x34>

0000000000000000 <leaf_argv>:
       0:\tmov    %rsp,%rbp
       4:\tmovups (%rax),%xmm0
       8:\tmovups %xmm0,(%rbx)
       c:\tadd    %rax,0x8(%rbp)
      10:\tsub    $0x1,%rcx
      14:\tjne    4 <leaf_argv+0x4>
      18:\tret
"""


class InnermostLoops(unittest.TestCase):
    def setUp(self):
        self.functions = loops.parse(LISTING)

    def counts(self, function):
        (loop,) = loops.innermost_loops(function, self.functions[function])
        return loop.counts()

    def test_counts(self):
        counts = self.counts("leaf")
        expected = {
            "role": "pointwise",
            "address": 0x14,
            "blocks": 3,
            "instructions": 13,
            "multiply_adds": 3,
            "fused": True,
            "vector_bits": 256,
            "loads": 4,
            "broadcasts": 1,
            "stores": 1,
            "spills": 2,
            "loads_per_multiply_add": 1.333,
        }
        self.assertEqual(counts, expected)

    def test_frame_pointer_and_read_modify_write(self):
        counts = self.counts("leaf_argv")
        self.assertEqual(counts["role"], "copy")
        self.assertEqual((counts["loads"], counts["stores"]), (2, 2))
        self.assertEqual(counts["spills"], 1)
        self.assertIsNone(counts["loads_per_multiply_add"])

    def test_no_loop(self):
        straight = self.functions["leaf"][:7]
        self.assertEqual(loops.innermost_loops("leaf", straight), [])
        self.assertEqual(loops.innermost_loops("leaf", []), [])


# The same for AArch64: multiply-adds by element, pairs, a spill.
ARM_LISTING = """
leaf.o:     file format elf64-littleaarch64

0000000000000000 <leaf>:
       0:\tldp\tq1, q2, [x9, #32]
       4:\tldr\tq3, [x8, x10]
       8:\tld1r\t{v4.4s}, [x11]
       c:\tfmla\tv16.4s, v1.4s, v3.s[0]
      10:\tfmla\tv17.4s, v2.4s, v3.s[1]
      14:\tfmla\tv18.4s, v2.4s, v4.4s
      18:\tstr\tq18, [sp, #1200]
      1c:\tldr\tq5, [sp, x12]
      20:\tsubs\tx15, x15, #0x1
      24:\tb.ne\t0 <leaf>  // b.any
      28:\tret
"""


class Arm64(unittest.TestCase):
    def test_counts(self):
        (loop,) = loops.innermost_loops("leaf", loops.parse(ARM_LISTING)["leaf"])
        counts = loop.counts()
        self.assertEqual(counts["role"], "pointwise")
        self.assertEqual((counts["multiply_adds"], counts["vector_bits"]), (3, 128))
        self.assertEqual((counts["loads"], counts["stores"]), (5, 1))
        self.assertEqual((counts["broadcasts"], counts["spills"]), (1, 1))

    def test_reads_writes(self):
        cases = {
            ("ldp", "q0, q1, [x0]"): (2, 0),
            ("stp", "q0, q1, [x12], #64"): (0, 2),
            ("ld1", "{v0.4s-v3.4s}, [x0]"): (4, 0),
            ("ld1", "{v20.s}[1], [x16]"): (1, 0),
            ("st1", "{v0.4s, v1.4s}, [x0]"): (0, 2),
            ("prfm", "pldl1keep, [x0]"): (0, 0),
            ("fmla", "v0.4s, v1.4s, v2.s[3]"): (0, 0),
        }
        for instruction, expected in cases.items():
            found = arm64.Instruction(0, *instruction).reads_writes()
            self.assertEqual(found, expected, instruction)


class Operands(unittest.TestCase):
    def reads_writes(self, mnemonic, operands):
        return x86.Instruction(0, mnemonic, operands).reads_writes()

    def test_reads_writes(self):
        cases = {
            ("vmovaps", "(%rax,%rbx,4),%ymm0"): (True, False),
            ("vmovaps", "%ymm0,(%rax,%rbx,4)"): (False, True),
            ("vextractf128", "$0x1,%ymm0,(%rax)"): (False, True),
            ("vmovups", "%zmm0,(%rax){%k1}"): (False, True),
            ("vfmadd231ps", "(%rax){1to16},%zmm1,%zmm2"): (True, False),
            ("cmp", "%rax,0x8(%rsp)"): (True, False),
            ("incq", "0x8(%rsp)"): (True, True),
            ("lea", "0x8(%rsp),%rax"): (False, False),
            ("nopw", "0x0(%rax,%rax,1)"): (False, False),
            ("vaddps", "%ymm0,%ymm1,%ymm2"): (False, False),
        }
        for instruction, expected in cases.items():
            self.assertEqual(self.reads_writes(*instruction), expected, instruction)


if __name__ == "__main__":
    unittest.main()
