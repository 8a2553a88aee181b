"""Certificates of a certificate authority that the test creates."""

from pathlib import Path

import trustme


class Certificates:
    """Files of a certificate authority, the broker's certificate and the node's certificate."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.ca = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.ca)
        self.broker_certificate, self.broker_key = _files(authority.issue_cert("127.0.0.1"), folder, "broker")
        self.node_certificate, self.node_key = _files(authority.issue_cert("node@example.org"), folder, "node")

    def broker_options(self, *, ask_clients: bool) -> str:
        return (
            f"allow_anonymous true\ncafile {self.ca}\ncertfile {self.broker_certificate}\n"
            f"keyfile {self.broker_key}\nrequire_certificate {str(ask_clients).lower()}"
        )


def _files(certificate: trustme.LeafCert, folder: Path, name: str) -> tuple[Path, Path]:
    chain, key = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.cert_chain_pems[0].write_to_path(chain)
    certificate.private_key_pem.write_to_path(key)
    return chain, key
