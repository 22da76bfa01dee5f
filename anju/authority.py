"""A small certificate authority for the broker: enough for a site that has none, and for tests."""

import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificateIssuerPrivateKeyTypes,
    CertificatePublicKeyTypes,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from anju.errors import AuthorityInvalid, RequestInvalid
from devices.credentials import Revoked

_NO_REQUEST = (
    "not a certificate request in PEM, or of a key of another kind than RSA, ECDSA or EdDSA:"
    " `openssl req -new` makes one that begins with BEGIN CERTIFICATE REQUEST"
)
#: Clocks of devices are not exact: a certificate holds from a little before it was made.
_SKEW = timedelta(hours=1)


class Authority:
    """A certificate and its key, which sign others."""

    def __init__(self, certificate: x509.Certificate, key: CertificateIssuerPrivateKeyTypes) -> None:
        self.certificate = certificate
        self._key = key

    @classmethod
    def make(cls, name: str, *, now: datetime, holds: timedelta) -> "Authority":
        """Make a new authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(_named(name), _named(name), key.public_key(), now=now, holds=holds)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    @classmethod
    def read(cls, certificate: Path, key: Path) -> "Authority":
        """Read an authority from PEM files.

        Raises
        ------
        AuthorityInvalid
            A file cannot be read, or the key is another certificate's.
        """
        try:
            said, secret = certificate.read_bytes(), key.read_bytes()
        except OSError as error:
            raise AuthorityInvalid(f"cannot read {error.filename}: {error.strerror}") from error
        try:
            found = x509.load_pem_x509_certificate(said)
            found.public_key()
        except (ValueError, UnsupportedAlgorithm) as error:
            raise AuthorityInvalid(f"{certificate} is not a certificate in PEM that can be used") from error
        try:
            private = serialization.load_pem_private_key(secret, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise AuthorityInvalid(f"{key} is not a key in PEM, or is locked by a password") from error
        if not isinstance(private, CertificateIssuerPrivateKeyTypes):
            raise AuthorityInvalid(f"{key} is not a key that signs certificates")
        if private.public_key() != found.public_key():
            raise AuthorityInvalid(f"{key} is not the key of {certificate}")
        return cls(found, private)

    def write(self, certificate: Path, key: Path) -> None:
        """Write it as PEM files; the key for the owner's eyes only."""
        certificate.write_bytes(pem(self.certificate))
        write_key(key, self._key)

    def server(self, names: Iterable[str], *, now: datetime, holds: timedelta) -> tuple[bytes, bytes]:
        """Make a broker's certificate and key, as PEM, for host names and addresses."""
        named = list(names)
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            self._builder(named[0], key.public_key(), now=now, holds=holds)
            .add_extension(x509.SubjectAlternativeName([_alternative(n) for n in named]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return pem(certificate), _private(key)

    def sign(self, request: bytes, *, code: str, now: datetime, holds: timedelta) -> x509.Certificate:
        """Sign a device's request (PEM). Of what it asks for only the key is taken.

        Raises
        ------
        RequestInvalid
            It is not a request, it is signed by another key, or it is for another device.
        """
        try:
            found = x509.load_pem_x509_csr(request)
            key = found.public_key()
            good = found.is_signature_valid
            named = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as error:
            raise RequestInvalid(_NO_REQUEST) from error
        if not good:
            raise RequestInvalid("the request is not signed by its own key")
        asked = [str(name.value) for name in named]
        if asked != [code]:
            raise RequestInvalid(f"the request is for {', '.join(asked) or 'nobody'}, not for {code}")
        return (
            self._builder(code, key, now=now, holds=holds)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def revocations(self, revoked: Iterable[Revoked]) -> bytes:
        """Make the list of revoked certificates, as PEM.

        It holds as long as the authority: one that has run out would shut out everybody.
        """
        listed = sorted(set(revoked))
        since = max([self.certificate.not_valid_before_utc, *(one.at for one in listed)])
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(since)
            .next_update(self.certificate.not_valid_after_utc)
        )
        for one in listed:
            entry = x509.RevokedCertificateBuilder().serial_number(one.serial).revocation_date(one.at)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _builder(
        self, name: str, key: CertificatePublicKeyTypes, *, now: datetime, holds: timedelta
    ) -> x509.CertificateBuilder:
        return (
            _builder(_named(name), self.certificate.subject, key, now=now, holds=holds)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
        )


def same_revocations(one: bytes, other: bytes) -> bool:
    """Whether two lists say the same; signatures differ each time that one is made."""
    try:
        lists = [x509.load_pem_x509_crl(found) for found in (one, other)]
    except ValueError:
        return False
    first, second = (
        (found.issuer, found.last_update_utc, found.next_update_utc, sorted(r.serial_number for r in found))
        for found in lists
    )
    return first == second


def request(code: str) -> tuple[bytes, bytes]:
    """Make a device's key and its request, as PEM; a real device makes its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    asked = x509.CertificateSigningRequestBuilder().subject_name(_named(code)).sign(key, hashes.SHA256())
    return asked.public_bytes(serialization.Encoding.PEM), _private(key)


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate, in hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def pem(certificate: x509.Certificate) -> bytes:
    """Write a certificate as text."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def write_key(file: Path, key: CertificateIssuerPrivateKeyTypes | bytes) -> None:
    """Write a private key for its owner's eyes only."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as opened:
        opened.write(key if isinstance(key, bytes) else _private(key))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: CertificatePublicKeyTypes,
    *,
    now: datetime,
    holds: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + holds)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _private(key: CertificateIssuerPrivateKeyTypes) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
