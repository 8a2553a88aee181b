"""Instructions are assigned to the operations that their blocks are a sign of."""

import json

import pytest

from tests.arm.instructions import COUNTED as BY_KIND
from tests.arm.instructions import PAGE
from tests.arm.operations import COUNTED, OUTSIDE, PRODUCTS, REST, by_operation, operation_of, table

LITERT = "map 1000-9000 r-xp 00000000 00:00 0 /site/ai_edge_litert/libpywrap_litert_common.so"
STATED = json.loads(COUNTED.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("mnemonics", "operation"),
    [
        ("smull,smlal,sadalp,ext,ldp", PRODUCTS),
        ("sdot,ldr", PRODUCTS),
        ("fmul,fmla,fdiv,fmin,fmax", "GELU"),
        ("fmla,and,bic,fadd", "softmax"),
        ("fmla,ldp", "attention products (float)"),
        ("fmin,fmax,ldp", "quantisation of activations"),
        ("ldr,add,b.ne", None),
    ],
)
def test_a_block_is_of_the_operation_that_its_instructions_are_a_sign_of(mnemonics: str, operation: str | None) -> None:
    assert operation_of(frozenset(mnemonics.split(","))) == operation


def test_blocks_without_a_sign_belong_to_most_of_their_function() -> None:
    function = ["block 2000 4 100 fmla,ldp", "block 2010 4 10 fmax,ldp", "block 2020 2 50 add,b.ne"]
    assert by_operation([*function, LITERT]) == {"attention products (float)": 500, "softmax": 40}


def test_a_function_far_from_all_signs_is_litert_s_own_work() -> None:
    assert by_operation(["block 2000 4 100 smull,sadalp", "block 4000 2 5 add,b.ne", LITERT]) == {
        PRODUCTS: 400,
        REST: 10,
    }


def test_what_is_in_another_library_is_outside() -> None:
    assert by_operation(["block 20 4 100 fmla,ldp", LITERT]) == {OUTSIDE: 400}


def test_the_table_shows_what_was_counted() -> None:
    assert table(STATED) in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("bundle", STATED)
def test_the_operations_add_up_to_the_instructions_that_are_stated(bundle: str) -> None:
    (row,) = (
        row
        for row in json.loads(BY_KIND.read_text(encoding="utf-8"))
        if (row["bundle"], row["cpu"]) == (bundle, "cortex-a72")
    )
    assert sum(STATED[bundle].values()) == pytest.approx(sum(row["by_kind"].values()), rel=0.02)
