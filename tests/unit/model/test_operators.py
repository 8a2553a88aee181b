import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given
from hypothesis import strategies as st

from stream.model.bundle import MODEL_FILE, SHIPPED
from stream.model.operators import Kind, read_operators
from tests.unit.tiny_bundle import tiny_model


@pytest.mark.parametrize("content", [tiny_model(), (SHIPPED / "fast" / MODEL_FILE).read_bytes()], ids=["tiny", "fast"])
def test_operators_are_those_that_litert_s_own_schema_reads(content: bytes) -> None:
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    expected = [
        (codes[operator.opcodeIndex], tuple(operator.inputs), tuple(operator.outputs))
        for operator in model.subgraphs[0].operators
    ]
    assert [(found.code, found.inputs, found.outputs) for found in read_operators(content)] == expected


def test_kinds_have_the_numbers_of_the_schema() -> None:
    assert {kind.name: kind.value for kind in Kind} == {
        kind.name: getattr(schema.BuiltinOperator, kind.name) for kind in Kind
    }


@given(cut=st.integers(0, len(tiny_model()) - 1))
def test_a_file_that_was_cut_is_an_error_or_read_in_part(cut: int) -> None:
    content = tiny_model()[:cut]
    try:
        read_operators(content)
    except ValueError:
        return


@pytest.mark.parametrize("content", [b"", b"no model at all", b"\0" * 100, b"\xff\xff\xff\xffTFL3" + b"\xff" * 100])
def test_a_file_that_is_no_model_is_an_error(content: bytes) -> None:
    with pytest.raises(ValueError, match="TensorFlow Lite model"):
        read_operators(content)
