"""Web push: encrypts a text for one browser (RFC 8291, RFC 8188), and signs the request to its push service (RFC 8292).

Written with `cryptography`, because the published libraries need one (http-ece) that comes without a wheel.
"""

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE = ec.SECP256R1()
RECORD_BYTES = 4096  # one record holds everything that a push service takes
LAST_RECORD = b"\x02"
SCALAR_BYTES, POINT_BYTES, AUTH_BYTES, SALT_BYTES = 32, 65, 16, 16
SIGNED_FOR = timedelta(hours=12)  # push services refuse more than a day


def make_key() -> str:
    """A new private key that signs the requests of this portal."""
    number = ec.generate_private_key(CURVE).private_numbers().private_value
    return _encode(number.to_bytes(SCALAR_BYTES, "big"))


def public_key(private: str) -> str:
    """What browsers are told of it. Raises ValueError if it is no private key."""
    return _encode(_point(_private(private)))


def is_subscription(p256dh: str, auth: str) -> bool:
    """Whether these can be the keys of a browser's subscription."""
    try:
        return len(_decode(auth)) == AUTH_BYTES and bool(_public(p256dh))
    except ValueError:
        return False


def encrypt(
    text: bytes, *, p256dh: str, auth: str, key: ec.EllipticCurvePrivateKey | None = None, salt: bytes | None = None
) -> bytes:
    """The body of the request, which only the browser with these keys can read.

    `key` and `salt` are new for every message; tests pass those of the RFC. Raises ValueError for bad keys.
    """
    own = key or ec.generate_private_key(CURVE)
    salt = salt or os.urandom(SALT_BYTES)
    theirs = _public(p256dh)
    about = b"WebPush: info\x00" + _decode(p256dh) + _point(own)
    secret = _derive(own.exchange(ec.ECDH(), theirs), _decode(auth), about, 32)
    content_key = _derive(secret, salt, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _derive(secret, salt, b"Content-Encoding: nonce\x00", 12)
    sealed = AESGCM(content_key).encrypt(nonce, text + LAST_RECORD, None)
    return salt + RECORD_BYTES.to_bytes(4, "big") + bytes([POINT_BYTES]) + _point(own) + sealed


def authorization(endpoint: str, *, private: str, contact: str, at: datetime) -> str:
    """The header by which the push service knows who sends. `contact` is an address of the portal."""
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int((at + SIGNED_FOR).timestamp()),
        "sub": contact,
    }
    signed = f"{_as_json({'typ': 'JWT', 'alg': 'ES256'})}.{_as_json(claims)}"
    r, s = decode_dss_signature(_private(private).sign(signed.encode(), ec.ECDSA(SHA256())))
    signature = _encode(r.to_bytes(SCALAR_BYTES, "big") + s.to_bytes(SCALAR_BYTES, "big"))
    return f"vapid t={signed}.{signature},k={public_key(private)}"


def _derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)


def _private(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(_decode(text), "big"), CURVE)


def _public(text: str) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, _decode(text))


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _as_json(value: object) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode())


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    """Raises ValueError for anything but base64url."""
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
