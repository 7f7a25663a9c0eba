"""An authority of a test's own and the certificates it signs: good, expired, for another host."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)

_TO_SIGN = x509.KeyUsage(
    digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
    key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
)  # fmt: skip
"""RFC 5280 asks it of an authority, and that its key and its signatures name it; from 3.13 on Python does, too."""


@dataclass(frozen=True)
class Issued:
    """A key with its certificate, in one PEM file that Kafka and Python's ssl both read."""

    file: Path


class Authority:
    """Signs certificates for servers on 127.0.0.1; `certificate` is what a client trusts."""

    def __init__(self, folder: Path, name: str = "test authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self.certificate = folder / f"{name.replace(' ', '-')}.pem"
        signed = _built(self._name, self._name, self._key.public_key(), datetime.now(UTC) + 30 * DAY)
        signed = signed.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        signed = signed.add_extension(_TO_SIGN, critical=True).add_extension(self._own_id(), critical=False)
        self.certificate.write_bytes(_pem(signed.sign(self._key, hashes.SHA256())))

    def issue(self, name: str, *, host: str = "127.0.0.1", until: datetime | None = None) -> Issued:
        """Make a key and a certificate for `host`, valid for a month or to a moment in the past."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _built(_named(name), self._name, key.public_key(), until or datetime.now(UTC) + 30 * DAY)
        builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(host)]), critical=False)
        signer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self._own_id())
        builder = builder.add_extension(signer, critical=False)
        file = self._folder / f"{name}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(private + _pem(builder.sign(self._key, hashes.SHA256())))
        return Issued(file)

    def _own_id(self) -> x509.SubjectKeyIdentifier:
        return x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())


def _built(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder(issuer, subject, key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(until, datetime.now(UTC)) - DAY)
        .not_valid_after(until)
    )


def _alternative(host: str) -> x509.GeneralName:
    return x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
