import os
from pathlib import Path

import pytest

from stream.credentials import check_permissions, read_password
from stream.errors import SettingsError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text("secret\n")
    return path


@pytest.mark.parametrize("mode", [0o666, 0o622, 0o602])
def test_a_password_that_every_user_can_change_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(SettingsError) as caught:
        read_password("broker.password_file", file)
    assert str(caught.value) == (
        f"broker.password_file: every user can change {file} (its mode is 0{mode:o}): run chmod 600 {file}"
    )


def test_a_password_that_every_user_can_read_is_a_warning(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    file.chmod(0o644)
    assert read_password("broker.password_file", file).get_secret_value() == "secret"
    assert f"every user can read {file} (its mode is 0644)" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o660])
def test_a_password_of_a_user_and_a_group_is_read(file: Path, mode: int, caplog: pytest.LogCaptureFixture) -> None:
    file.chmod(mode)
    assert read_password("broker.password_file", file).get_secret_value() == "secret"
    assert not caplog.records


def test_a_password_from_a_pipe_is_the_same_for_each_connection() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"secret\n")
    os.close(writing)
    try:
        read = [read_password("broker.password_file", Path(f"/dev/fd/{reading}")) for _ in range(2)]
    finally:
        os.close(reading)
    assert [each.get_secret_value() for each in read] == ["secret", "secret"]


def test_a_missing_file_is_left_to_the_reader(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        check_permissions("http.key_file", tmp_path / "missing")
    with pytest.raises(SettingsError, match=r"cannot read .*: No such file or directory"):
        read_password("http.password_file", tmp_path / "missing")
