"""The keys of MTProto 2.0: the server's RSA key, the exchange that gives a client and the server a secret, the sealing
of packets with it.

AES and the TL codec are the client's own (package pyrogram), so a fault in both directions of those would not show.
Not here: temporary keys (perfect forward secrecy).
"""

import functools
import hashlib
import secrets
import time
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from pyrogram.crypto import aes, prime
from pyrogram.raw import functions, types
from pyrogram.raw.core import Bytes, TLObject

PRIMES = 1_000_000_007, 1_000_000_009  # of the riddle that opens a key exchange; any two will do
GENERATOR = 3


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


@dataclass(frozen=True)
class ServerKey:
    """The RSA key by which clients know the server."""

    modulus: int
    exponent: int
    private: int

    @property
    def fingerprint(self) -> int:
        """The name of the key in the protocol."""
        numbers = (self.modulus.to_bytes(256, "big"), self.exponent.to_bytes(3, "big"))
        return int.from_bytes(_sha1(b"".join(Bytes(number) for number in numbers))[-8:], "little", signed=True)

    def decrypt(self, sealed: bytes) -> bytes:
        """Textbook RSA, as the protocol has it."""
        return pow(int.from_bytes(sealed, "big"), self.private, self.modulus).to_bytes(255, "big")


@functools.cache
def server_key() -> ServerKey:
    """A key of this process."""
    numbers = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_numbers()
    return ServerKey(numbers.public_numbers.n, numbers.public_numbers.e, numbers.d)


@dataclass(eq=False)
class AuthKey:
    """A key that one data centre and one client share."""

    secret: bytes
    data_centre: int
    signed_in: bool = False

    @property
    def id(self) -> bytes:
        """The name of the key in every packet."""
        return _sha1(self.secret)[-8:]

    def _cipher(self, msg_key: bytes, offset: int) -> tuple[bytes, bytes]:
        a = hashlib.sha256(msg_key + self.secret[offset : offset + 36]).digest()
        b = hashlib.sha256(self.secret[offset + 40 : offset + 76] + msg_key).digest()
        return a[:8] + b[8:24] + a[24:], b[:8] + a[8:24] + b[24:]

    def seal(self, plain: bytes) -> bytes:
        """A packet to the client."""
        plain += secrets.token_bytes(12 + -(len(plain) + 12) % 16)
        msg_key = hashlib.sha256(self.secret[96:128] + plain).digest()[8:24]
        sealed: bytes = aes.ige256_encrypt(plain, *self._cipher(msg_key, 8))
        return self.id + msg_key + sealed

    def unseal(self, packet: bytes) -> bytes:
        """What a client's packet holds; ValueError if it was not sealed with this key."""
        msg_key = packet[8:24]
        plain: bytes = aes.ige256_decrypt(packet[24:], *self._cipher(msg_key, 0))
        if hashlib.sha256(self.secret[88:120] + plain).digest()[8:24] != msg_key:
            raise ValueError("a packet's msg_key does not fit its content")
        return plain


class KeyExchange:
    """The server's side of one key exchange: three questions, three answers, and `secret` is known to both."""

    def __init__(self, key: ServerKey) -> None:
        self._key = key
        self._server_nonce = int.from_bytes(secrets.token_bytes(16), "little", signed=True)
        self._exponent = secrets.randbits(2048)
        self.secret = b""

    def answer(self, query: Any) -> Any:
        """The answer to the client's next question."""
        if isinstance(query, functions.ReqPqMulti):
            p, q = PRIMES
            return types.ResPQ(
                nonce=query.nonce,
                server_nonce=self._server_nonce,
                pq=(p * q).to_bytes(8, "big"),
                server_public_key_fingerprints=[self._key.fingerprint],
            )
        if isinstance(query, functions.ReqDHParams):
            return self._parameters(query)
        if isinstance(query, functions.SetClientDHParams):
            return self._agree(query)
        raise ValueError(f"not a question of a key exchange: {query}")

    def _parameters(self, query: functions.ReqDHParams) -> Any:
        inner = self._checked(self._key.decrypt(query.encrypted_data))
        server_nonce = self._server_nonce.to_bytes(16, "little", signed=True)
        self._new_nonce = new_nonce = inner.new_nonce.to_bytes(32, "little", signed=True)
        mixed = _sha1(server_nonce + new_nonce)
        self._cipher = (
            _sha1(new_nonce + server_nonce) + mixed[:12],
            mixed[12:] + _sha1(new_nonce + new_nonce) + new_nonce[:4],
        )
        offer = types.ServerDHInnerData(
            nonce=query.nonce,
            server_nonce=self._server_nonce,
            g=GENERATOR,
            dh_prime=prime.CURRENT_DH_PRIME.to_bytes(256, "big"),
            g_a=pow(GENERATOR, self._exponent, prime.CURRENT_DH_PRIME).to_bytes(256, "big"),
            server_time=int(time.time()),
        ).write()
        plain = _sha1(offer) + offer
        sealed = aes.ige256_encrypt(plain + secrets.token_bytes(-len(plain) % 16), *self._cipher)
        return types.ServerDHParamsOk(nonce=query.nonce, server_nonce=self._server_nonce, encrypted_answer=sealed)

    def _agree(self, query: functions.SetClientDHParams) -> Any:
        inner = self._checked(aes.ige256_decrypt(query.encrypted_data, *self._cipher))
        shared = pow(int.from_bytes(inner.g_b, "big"), self._exponent, prime.CURRENT_DH_PRIME)
        self.secret = shared.to_bytes(256, "big")
        proof = _sha1(self._new_nonce + b"\x01" + _sha1(self.secret)[:8])[-16:]
        return types.DhGenOk(
            nonce=query.nonce,
            server_nonce=self._server_nonce,
            new_nonce_hash1=int.from_bytes(proof, "little", signed=True),
        )

    @staticmethod
    def _checked(plain: bytes) -> Any:
        inner = TLObject.read(BytesIO(plain[20:]))
        if _sha1(inner.write()) != plain[:20]:
            raise ValueError("the hash in a key exchange does not fit its content")
        return inner
