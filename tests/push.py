"""A browser as a push service knows it: its keys, and how it reads what was encrypted for it (RFC 8291)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from os import urandom

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def written(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Browser:
    key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    secret: bytes = field(default_factory=lambda: urandom(16))

    @property
    def point(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def p256dh(self) -> str:
        return written(self.point)

    @property
    def auth(self) -> str:
        return written(self.secret)

    def read(self, body: bytes) -> bytes:
        """Step by step as the RFC says. Raises InvalidTag for what is not meant for this browser."""
        salt, length = body[:16], body[20]
        theirs, sealed = body[21 : 21 + length], body[21 + length :]
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
        secret = self._derive(shared, self.secret, b"WebPush: info\x00" + self.point + theirs, 32)
        content_key = self._derive(secret, salt, b"Content-Encoding: aes128gcm\x00", 16)
        nonce = self._derive(secret, salt, b"Content-Encoding: nonce\x00", 12)
        text = AESGCM(content_key).decrypt(nonce, sealed, None)
        assert text.rstrip(b"\x00").endswith(b"\x02"), "the last record"
        return text.rstrip(b"\x00")[:-1]

    @staticmethod
    def _derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
        return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)


def bytes_of(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
