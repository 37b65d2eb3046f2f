"""Direct identifiers by fixed rules: real shapes and checksums, in ranges that nobody has."""

from typing import Final

import numpy as np

from demo.arrays import Objects, either, objects, pick, random_texts

PLATE_LETTERS: Final = "GHJKLNPRSTVXZ"
"""No A to F: a plate must not look like a piece of a hexadecimal token."""
PLATE_SHAPES: Final = ("99-XX-XX", "99-XXX-9", "9-XXX-99", "XX-999-X", "X-999-XX", "XXX-99-X", "XX-99-XX")
VIN_LETTERS: Final = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
VIN_STARTS: Final = {
    "Volkswagen": "WVW", "Opel": "W0L", "Peugeot": "VF3", "Renault": "VF1", "Ford": "WF0", "Toyota": "SB1",
    "Volvo": "YV1", "BMW": "WBA", "Audi": "WAU", "Kia": "KNA", "Hyundai": "KMH", "Skoda": "TMB",
}  # fmt: skip
BANKS: Final = ("DEMO", "FAKE", "TEST", "NEPB")
LETTERS_AS_NUMBERS: Final = str.maketrans({chr(65 + place): str(10 + place) for place in range(26)})
BCRYPT_LETTERS: Final = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
BASE64_LETTERS: Final = BCRYPT_LETTERS.replace(".", "+")
ALNUM: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
DIGITS: Final = "0123456789"
AREA_CODES: Final = ("10", "20", "30", "40", "50", "70", "182", "228", "343", "485", "592", "599")
PHONE_FORMS: Final = (
    "0{a}{b}", "0{a}-{b}", "0{a} {b1} {b2}", "+31{a}{b}", "+31 {a} {b}", "+31 (0){a} {b1}{b2}", "0031{a}{b}",
    "0031 {a} {b1} {b2}", "+31-{a}-{b}",
)  # fmt: skip
DOCUMENTATION_NETS: Final = ("192.0.2", "198.51.100", "203.0.113")


def phones(rng: np.random.Generator, n: int) -> Objects:
    """National numbers as 'area subscriber'; no Dutch mobile or subscriber number begins with these zeros."""
    areas = either(rng.random(n) < 0.85, "6", pick(rng, AREA_CODES, n))
    digits = random_texts(rng, DIGITS, n, 7)
    return objects([f"{area} 0{rest[: 8 - len(area)]}" for area, rest in zip(areas.tolist(), digits, strict=True)])


def phone_form(phone: str, form: int) -> str:
    """A national number in one of the spellings that people use."""
    area, rest = phone.split(" ")
    return PHONE_FORMS[form % len(PHONE_FORMS)].format(a=area, b=rest, b1=rest[:4], b2=rest[4:])


def ibans(rng: np.random.Generator, n: int) -> list[str]:
    """Dutch account numbers with a right checksum (ISO 13616) at banks that do not exist."""
    accounts = random_texts(rng, DIGITS, n, 10)
    return [_with_checksum(bank, account) for bank, account in zip(pick(rng, BANKS, n).tolist(), accounts, strict=True)]


def _with_checksum(bank: str, account: str) -> str:
    number = int(f"{bank}{account}NL00".translate(LETTERS_AS_NUMBERS))
    return f"NL{98 - number % 97:02d}{bank}{account}"


def spaced(iban: str) -> str:
    """The account number in groups of four, as banks print it."""
    return " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))


def plates(rng: np.random.Generator, n: int) -> Objects:
    """Licence plates of the Dutch series, with dashes."""
    letters, digits = random_texts(rng, PLATE_LETTERS, n, 8), random_texts(rng, DIGITS, n, 8)
    shapes = pick(rng, PLATE_SHAPES, n).tolist()
    return objects([_plate(*drawn) for drawn in zip(shapes, letters, digits, strict=True)])


def _plate(shape: str, letters: str, digits: str) -> str:
    kinds = {"X": letters, "9": digits}
    return "".join(kinds[sign][i] if sign in kinds else sign for i, sign in enumerate(shape))


def vins(rng: np.random.Generator, makes: list[str]) -> list[str]:
    """Chassis numbers (ISO 3779 alphabet, 17 characters) that begin with the maker's code."""
    rests = random_texts(rng, VIN_LETTERS, len(makes), 14)
    return [VIN_STARTS[make] + rest for make, rest in zip(makes, rests, strict=True)]


def tracking_codes(rng: np.random.Generator, carriers: list[str]) -> list[str]:
    """Parcel numbers in the way of each carrier."""
    mixed, digits = random_texts(rng, ALNUM, len(carriers), 12), random_texts(rng, DIGITS, len(carriers), 12)
    makers = {"PostNL": "3SAP{m}", "DHL": "JVGL06{d}", "DPD": "0533{d}", "GLS": "ZZ{m}"}
    return [makers[c].format(m=m, d=d) for c, m, d in zip(carriers, mixed, digits, strict=True)]


def password_hashes(rng: np.random.Generator, n: int) -> list[str]:
    """Texts in the shape of bcrypt and Argon2id hashes; nothing was ever hashed."""
    body = random_texts(rng, BCRYPT_LETTERS, n, 53)
    salted = random_texts(rng, BASE64_LETTERS, n, 65)
    newer = (rng.random(n) < 0.3).tolist()
    return [
        f"$argon2id$v=19$m=65536,t=3,p=4${s[:22]}${s[22:]}" if new else f"$2b$12${b}"
        for new, b, s in zip(newer, body, salted, strict=True)
    ]


def ip_addresses(rng: np.random.Generator, n: int) -> Objects:
    """Private and documentation addresses, one in twelve IPv6; none ends in .0, so a masked one is never raw."""
    octets = rng.integers(11, 255, (n, 3)).tolist()
    groups = rng.integers(0x1000, 0xFFFF, (n, 6)).tolist()
    nets = pick(rng, DOCUMENTATION_NETS, n).tolist()
    kinds = np.searchsorted([0.08, 0.2], rng.random(n)).tolist()
    kinds[:3] = [0, 1, 2][: len(kinds)]
    return objects([
        ("2001:db8:" + ":".join(f"{g:x}" for g in group), f"{net}.{a}", f"10.{a}.{b}.{c}")[kind]
        for kind, group, net, (a, b, c) in zip(kinds, groups, nets, octets, strict=True)
    ])  # fmt: skip


def cookie_ids(rng: np.random.Generator, n: int) -> Objects:
    """Visitor ids of 32 hexadecimal digits."""
    return objects(random_texts(rng, "0123456789abcdef", n, 32))
