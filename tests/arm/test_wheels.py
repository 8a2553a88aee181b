"""The wheels that a 64-bit Raspberry Pi installs."""

from tests.arm.alignment import misaligned
from tests.arm.emulation import Installation


def test_every_shared_object_can_be_loaded_on_pages_of_16_kib(installation: Installation) -> None:
    assert [name for wheel in installation.wheelhouse.glob("*.whl") for name in misaligned(wheel)] == []


def test_the_wheelhouse_holds_compiled_wheels_for_arm_and_none_for_another_processor(
    installation: Installation,
) -> None:
    tags = [wheel.stem.rsplit("-", 1)[1] for wheel in installation.wheelhouse.glob("*.whl")]

    assert any("aarch64" in tag for tag in tags)
    assert [tag for tag in tags if tag != "any" and "aarch64" not in tag] == []
