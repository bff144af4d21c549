"""A throw-away certificate authority and its certificates.

Everything is made anew at each start and lives in one directory.  The key of
the authority is never written down, so nobody can make another certificate
that an account trusting this ca.pem would accept.
"""

import datetime
import ipaddress
import os
import ssl
import warnings

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


class Authority:
    """A certificate authority that forgets its key when the process ends."""

    def __init__(self, name):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name(name)
        now = datetime.datetime.utcnow()
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(self.name).issuer_name(self.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 30 * DAY).not_valid_after(now + 365 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
            .add_extension(_usage(signs_certificates=True), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(
                self.key.public_key()), False)
            .sign(self.key, hashes.SHA256()))

    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, names, days=90):
        """PEM of key and certificate for these host names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.utcnow()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(names[0])).issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 10 * DAY)
            .not_valid_after(now + days * DAY)
            .add_extension(x509.BasicConstraints(False, None), True)
            .add_extension(_usage(signs_certificates=False), True)
            .add_extension(x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH]), False)
            .add_extension(x509.SubjectAlternativeName(
                [_alternative(name) for name in names]), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    self.key.public_key()), False)
            .sign(self.key, hashes.SHA256()))
        return (key.private_bytes(serialization.Encoding.PEM,
                                  serialization.PrivateFormat.PKCS8,
                                  serialization.NoEncryption())
                + certificate.public_bytes(serialization.Encoding.PEM))


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(signs_certificates):
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False,
        key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        encipher_only=False, decipher_only=False)


def _alternative(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Certificates:
    """All that the TLS ports need, written below one directory."""

    def __init__(self, directory):
        self.directory = directory
        ours = Authority("order sandbox CA, throw-away")
        foreign = Authority("foreign CA, throw-away")
        here = ["localhost", "127.0.0.1"]
        self.ca = self._write("ca.pem", ours.pem(), 0o644)
        self.foreign_ca = self._write("foreign-ca.pem", foreign.pem(), 0o644)
        self.good = self._write("localhost.pem", ours.issue(here))
        self.expired = self._write("expired.pem", ours.issue(here, days=-1))
        self.ending = self._write("ending.pem", ours.issue(here, days=5))
        self.foreign = self._write("foreign.pem", foreign.issue(here))
        self.misnamed = self._write("misnamed.pem",
                                    ours.issue(["orders.example.com"]))

    def _write(self, name, data, mode=0o600):
        path = os.path.join(self.directory, name)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
                             mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
        return path

    def context(self, file, newest=ssl.TLSVersion.MAXIMUM_SUPPORTED):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = newest
        context.set_alpn_protocols(["http/1.1"])
        context.load_cert_chain(file)
        return context

    def old_context(self):
        """TLS 1.1 and nothing newer, or None where OpenSSL has none."""
        if not ssl.HAS_TLSv1_1:
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.set_ciphers("ALL:@SECLEVEL=0")
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = ssl.TLSVersion.TLSv1_1
                context.load_cert_chain(self.good)
        except (ssl.SSLError, ValueError):
            return None
        return context
