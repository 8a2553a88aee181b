"""A clock that a test moves on."""

import asyncio
from collections.abc import Callable

import pytest

LetPass = Callable[[float], None]
"""Moves the event loop's clock on, so that timers are due."""


@pytest.fixture
async def let_pass(monkeypatch: pytest.MonkeyPatch) -> LetPass:
    loop = asyncio.get_running_loop()
    real, passed = loop.time, 0.0

    def move_on(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    monkeypatch.setattr(loop, "time", lambda: real() + passed)
    return move_on
