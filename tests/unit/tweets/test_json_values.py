import io

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import InputError
from stream.tweets.json_values import read_values
from stream.tweets.lines import Overlong
from stream.tweets.source import Source

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.text('"\\[]{},'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('"\\[]{},a', max_size=3), inner, max_size=3),
    max_leaves=12,
)


class InPieces(io.BytesIO):
    """Bytes that come a few at a time."""

    def __init__(self, content: bytes, size: int) -> None:
        super().__init__(content)
        self._size = size

    def read(self, _size: int | None = -1, /) -> bytes:
        return super().read(self._size)


def values_of(content: bytes, *, in_array: bool, size: int = 7, longest_bytes: int = 1000) -> list[bytes | Overlong]:
    source = Source("values", InPieces(content, size))
    found = read_values(source, in_array=in_array, longest_bytes=longest_bytes)
    return [value for value in found if value is not None]


@given(elements=st.lists(JSON), size=st.integers(1, 40), indent=st.booleans())
def test_the_elements_of_an_array_are_found(elements: list[object], size: int, *, indent: bool) -> None:
    content = orjson.dumps(elements, option=orjson.OPT_INDENT_2 if indent else 0)
    found = values_of(content + b" ;\r\n", in_array=True, size=size, longest_bytes=2**20)
    assert [orjson.loads(value) for value in found if isinstance(value, bytes)] == elements


@given(
    st.lists(st.dictionaries(st.text(), JSON, max_size=3)), st.sampled_from([b"", b"\n", b" \r\n"]), st.integers(1, 40)
)
def test_objects_one_after_another_are_found(objects: list[object], between: bytes, size: int) -> None:
    content = between.join(orjson.dumps(each, option=orjson.OPT_INDENT_2) for each in objects)
    found = values_of(content, in_array=False, size=size, longest_bytes=2**20)
    assert [orjson.loads(value) for value in found if isinstance(value, bytes)] == objects


@given(content=st.binary(max_size=200), in_array=st.booleans(), size=st.integers(1, 40))
def test_any_bytes_end_in_values_or_an_error(content: bytes, *, in_array: bool, size: int) -> None:
    try:
        found = values_of((b"[" if in_array else b"") + content, in_array=in_array, size=size)
    except InputError:
        return
    assert all(found)


def test_an_element_that_is_not_json_is_passed_on() -> None:
    assert values_of(b'[{"a":1}, nonsense, {"b":}]', in_array=True) == [b'{"a":1}', b"nonsense", b'{"b":}']


def test_a_value_that_is_too_long_is_not_kept() -> None:
    content = b'[1, "' + b"a" * 300 + b'", {"b": [' + b"1," * 300 + b"1]}, 2]"
    assert values_of(content, in_array=True, longest_bytes=100) == [b"1", Overlong(303), Overlong(611), b"2"]


@pytest.mark.parametrize("content", [b"[1, 2", b'[1, "2', b'[{"a":1}, {"b":', b"["])
def test_an_array_cut_short_gives_its_elements_and_an_error(content: bytes) -> None:
    with pytest.raises(InputError, match=r"^values ends within a JSON value: it was cut short$"):
        values_of(content, in_array=True)


def test_something_after_the_array_is_an_error() -> None:
    with pytest.raises(InputError, match=r"^values goes on after its JSON array$"):
        values_of(b"[1] [2]", in_array=True)
