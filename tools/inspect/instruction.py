"""An instruction as objdump writes it; x86.py and arm64.py know what it does."""

import dataclasses


@dataclasses.dataclass
class Instruction:
    address: int
    mnemonic: str
    operands: str

    @classmethod
    def parse(cls, address, words):
        return cls(address, words[0], " ".join(words[1:]))

    @property
    def text(self):
        return f"{self.mnemonic} {self.operands}".strip()
