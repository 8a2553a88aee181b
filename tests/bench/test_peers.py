from pathlib import Path

import pytest

from stream.bench.peers import read_peers
from stream.errors import InputError


def test_the_shipped_list_of_peers_is_valid() -> None:
    names = [peer.name for peer in read_peers(Path(__file__).parent.parent / "peers" / "peers.toml")]
    assert {"paper", "onnx-runtime-8", "pytorch", "pipeline"} <= set(names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("peer = 3", "peer: "),
        ("[[peer]", "is not TOML"),
        ('[[peer]]\nname = "a"\nwords = ""\nkind = "service"\n', "peer.0.service.command: Field required"),
        ('[[peer]]\nname = "a"\nwords = ""\nkind = "oracle"\n', "peer.0: Input tag 'oracle'"),
    ],
)
def test_an_invalid_list_of_peers_is_reported(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "peers.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=expected):
        read_peers(file)
