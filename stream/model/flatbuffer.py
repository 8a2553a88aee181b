"""Reader for FlatBuffers, as TensorFlow Lite files are.

A table begins with the offset of its vtable, which holds the offset of each field. Positions are exposed too, so that
values of fixed size can be replaced in place. See https://flatbuffers.dev/internals/, and schema.fbs in TensorFlow's
source for the numbers of the fields.
"""

import struct
from typing import Self


class Table:
    """A FlatBuffer's table.

    Args:
        content: The FlatBuffer.
        position: The table's position.
    """

    def __init__(self, content: bytes, position: int) -> None:
        self._content = content
        self._position = position
        (to_vtable,) = struct.unpack_from("<i", content, position)
        self._vtable = position - to_vtable
        (self._vtable_bytes,) = struct.unpack_from("<H", content, self._vtable)

    @classmethod
    def root(cls, content: bytes) -> Self:
        """Return the first table of a FlatBuffer.

        Raises:
            struct.error: The content is no FlatBuffer.
        """
        return cls(content, _offset(content, 0))

    def number(self, field: int, format_: str) -> int:
        """Return a number, 0 where the field is absent; `format_` as in the module struct."""
        place = self._place(field)
        return int(struct.unpack_from(f"<{format_}", self._content, place)[0]) if place else 0

    def integers(self, field: int) -> tuple[int, ...]:
        """Return a vector of 32-bit integers."""
        first, count = self.vector(field)
        return struct.unpack_from(f"<{count}i", self._content, first)

    def table(self, field: int) -> Self | None:
        """Return a table, None where the field is absent."""
        place = self._place(field)
        return type(self)(self._content, _offset(self._content, place)) if place else None

    def tables(self, field: int) -> list[Self]:
        """Return a vector of tables."""
        first, count = self.vector(field)
        places = range(first, first + 4 * count, 4)
        return [type(self)(self._content, _offset(self._content, place)) for place in places]

    def vector(self, field: int) -> tuple[int, int]:
        """Return the position of a vector's first element, and its length; 0 and 0 where the field is absent."""
        if not (place := self._place(field)):
            return 0, 0
        vector = _offset(self._content, place)
        return vector + 4, int(struct.unpack_from("<I", self._content, vector)[0])

    def _place(self, field: int) -> int:
        """Return a field's position, 0 where it is absent."""
        entry = 4 + 2 * field
        if entry >= self._vtable_bytes:
            return 0
        (offset,) = struct.unpack_from("<H", self._content, self._vtable + entry)
        return self._position + offset if offset else 0


def _offset(content: bytes, place: int) -> int:
    """Return the position that the offset at a place leads to."""
    return place + int(struct.unpack_from("<I", content, place)[0])
