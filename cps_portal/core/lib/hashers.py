"""How passwords are hashed, and how a refusal takes as long for every address while older hashes remain."""

from django.contrib.auth import hashers


class Argon2Hasher(hashers.Argon2PasswordHasher):
    """Argon2id as OWASP recommends it: 46 MiB, one pass, one lane. A hash of before has other parameters.

    Django hashes once more, by `harden_runtime`, if a wrong password was compared with a hash of other parameters.
    """

    time_cost = 1
    memory_cost = 47104  # KiB
    parallelism = 1

    def harden_runtime(self, password: str, encoded: str) -> None:
        self.encode(password, self.salt())


class FormerArgon2Hasher(hashers.Argon2PasswordHasher):
    """With the parameters that were used until November 2026. Never for a new hash."""

    time_cost = 2
    memory_cost = 102400  # KiB
    parallelism = 8


FORMER_BEGINNING = "argon2$argon2id$v=19$m=102400,t=2,p=8$"  # of a hash


def is_outdated(encoded: str) -> bool:
    """Whether the hash would be made with other parameters today. False if there is no password."""
    if not hashers.is_password_usable(encoded):
        return False
    preferred = hashers.get_hasher()
    return not encoded.startswith(f"{preferred.algorithm}$") or bool(preferred.must_update(encoded))


def hash_as_before(password: str) -> None:
    """Take as long as comparing with a hash of before."""
    former = FormerArgon2Hasher()
    former.encode(password, former.salt())
