"""FlatBuffers: what a reader needs of them."""

import struct


class Table:
    """One table of a FlatBuffer: fields by number, found through its vtable."""

    def __init__(self, data: bytes, position: int) -> None:
        self.data, self.position = data, position
        self.vtable = position - struct.unpack_from("<i", data, position)[0]

    def field(self, number: int) -> int:
        """Where the field lies; 0 where it is absent."""
        (size,) = struct.unpack_from("<H", self.data, self.vtable)
        if 4 + 2 * number >= size:
            return 0
        (offset,) = struct.unpack_from("<H", self.data, self.vtable + 4 + 2 * number)
        return self.position + offset if offset else 0

    def number(self, field: int, form: str, default: int = 0) -> int:
        place = self.field(field)
        return struct.unpack_from("<" + form, self.data, place)[0] if place else default

    def _target(self, field: int) -> int:
        place = self.field(field)
        return place + struct.unpack_from("<I", self.data, place)[0] if place else 0

    def table(self, field: int) -> "Table | None":
        place = self._target(field)
        return Table(self.data, place) if place else None

    def _vector(self, field: int) -> tuple[int, int]:
        place = self._target(field)
        return (place + 4, struct.unpack_from("<I", self.data, place)[0]) if place else (0, 0)

    def numbers(self, field: int, form: str) -> list[int]:
        start, length = self._vector(field)
        return list(struct.unpack_from(f"<{length}{form}", self.data, start)) if length else []

    def tables(self, field: int) -> list["Table"]:
        start, length = self._vector(field)
        if start + 4 * length > len(self.data):
            raise IndexError(f"a vector of {length} tables in {len(self.data)} bytes")
        places = [start + 4 * i for i in range(length)]
        return [Table(self.data, p + struct.unpack_from("<I", self.data, p)[0]) for p in places]

    def bytes(self, field: int) -> bytes:
        start, length = self._vector(field)
        return self.data[start : start + length]
