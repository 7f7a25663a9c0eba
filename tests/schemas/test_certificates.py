"""Why a certificate is refused is said with what to do about it."""

import ssl

from broker.tls import certificate_fault
from tests.rows import each_row


@each_row(
    ("code", "told"),
    [
        (10, "has expired"),
        (18, "name its authority's certificate in `ca`"),
        (64, "for another host"),
        (85, "Python does from 3.13 on (OpenSSL's verify code 85)"),
        (92, "with key identifiers and key usage"),
        (50, "is refused (OpenSSL's verify code 50)"),
    ],
)
def test_a_refused_certificate_is_told_with_what_to_do(code: int, told: str) -> None:
    error = ssl.SSLCertVerificationError()
    error.verify_code = code
    assert told in certificate_fault(error, "ca")
