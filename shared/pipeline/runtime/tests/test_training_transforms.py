"""The arithmetic of generated transform modules, against the standard library."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from b2brecs_runtime import ensure_tensorflow, modules
from training_support import DAY, GOLDEN

tf = ensure_tensorflow()


def module(case):
    return modules.load(str(GOLDEN / case / "transform_module.py"))


def moments():
    """Every kind of day from 1899 to 2100, and times of day."""
    start = datetime(1899, 12, 30, tzinfo=UTC)
    days = np.arange(0, 73_500, 7) + np.arange(10_500) % 7
    extra = [
        datetime(y, m, d, h, 59, 59, tzinfo=UTC)
        for y in (1900, 1970, 1999, 2000, 2023, 2024, 2100)
        for m, d in ((1, 1), (2, 28), (3, 1), (3, 31), (4, 1), (12, 31))
        for h in (0, 23)
    ]
    extra += [
        datetime(2000, 2, 29, tzinfo=UTC),
        datetime(2024, 2, 29, 12, tzinfo=UTC),
    ]
    return [start + timedelta(days=int(d), seconds=int(d) * 977 % DAY) for d in days] + extra


def expected(when, period):
    """The position in the period, by the standard library's calendar."""
    midnight = when.replace(hour=0, minute=0, second=0)
    share = (when - midnight).total_seconds() / DAY
    if period == "daily":
        return share
    if period == "weekly":
        return when.weekday() / 7
    months = {"yearly": 12, "quarterly": 3, "monthly": 1}[period]
    first = when.month - (when.month - 1) % months
    start = datetime(when.year, first, 1, tzinfo=UTC)
    over = first + months > 12
    end = datetime(when.year + over, first + months - 12 * over, 1, tzinfo=UTC)
    passed = (midnight - start).days + (share if period == "yearly" else 0)
    return passed / (end - start).days


@pytest.mark.parametrize("period", ["yearly", "quarterly", "monthly", "weekly", "daily"])
def test_calendar_is_exact(period):
    made = module("temporal")
    times = moments()
    x = tf.constant([[int(t.timestamp())] for t in times], tf.int64)
    phase = {
        "yearly": lambda: made.calendar(x, 12, unit=1),
        "quarterly": lambda: made.calendar(x, 3),
        "monthly": lambda: made.calendar(x, 1),
        "weekly": lambda: (x // DAY + 3) % 7 / 7,
        "daily": lambda: x % DAY / DAY,
    }[period]()
    want = np.array([[expected(t, period)] for t in times])
    np.testing.assert_allclose(phase.numpy(), want, rtol=0, atol=1e-12)
    assert phase.numpy().min() >= 0 and phase.numpy().max() < 1
    sine, cosine = made.circle(phase)
    np.testing.assert_allclose(sine.numpy(), np.sin(2 * math.pi * want), atol=1e-6)
    np.testing.assert_allclose(cosine.numpy(), np.cos(2 * math.pi * want), atol=1e-6)


def test_generated_phases_are_the_tested_ones():
    """The expressions above are those the generator writes."""
    text = (GOLDEN / "temporal" / "transform_module.py").read_text()
    for call in (
        "calendar(f02, 12, unit=1)",
        "calendar(f01, 3)",
        "calendar(f01, 1)",
        "(f01 // 86400 + 3) % 7 / 7",
        "f02 % 86400 / 86400",
    ):
        assert call in text, call


def test_absent_values_have_one_form():
    made = module("crosses")
    sparse = tf.SparseTensor([[0, 0], [2, 0]], ["a", ""], [3, 1])
    assert made.text(sparse).numpy().tolist() == [[b"a"], [b"__MISSING__"], [b"__MISSING__"]]
    dense = tf.constant([["a"], [""], ["__MISSING__"]])
    assert made.text(dense).numpy().tolist() == [[b"a"], [b"__MISSING__"], [b"__MISSING__"]]
    flat = tf.constant([7, 8], tf.int64)
    assert made.text(flat).numpy().tolist() == [[b"7"], [b"8"]]
    odd = tf.constant([1.5, math.nan, math.inf, -math.inf])
    assert made.number(odd).numpy().tolist() == [[1.5], [0.0], [0.0], [0.0]]
    holes = tf.SparseTensor([[1, 0]], tf.constant([5], tf.int64), [3, 1])
    assert made.number(holes).numpy().tolist() == [[0.0], [5.0], [0.0]]
    assert made.seconds(holes).numpy().tolist() == [[0], [5], [0]]


def test_cross_is_per_row_and_stable():
    made = module("crosses")
    one = tf.constant([["a"], ["a"], ["b"], ["a"]])
    two = tf.constant([[1], [2], [1], [1]], tf.int64)
    three = tf.constant([[0], [0], [0], [0]], tf.int64)
    got = made.cross([one, two, three], 100_000).numpy()
    assert got.shape == (4, 1)
    assert got[0] == got[3] and len({int(v) for v in got[:, 0]}) == 3
    assert (got >= 0).all() and (got < 100_000).all()
    # A published hash with a key of ours: a model outlives TensorFlow versions.
    assert got[0, 0] == siphash(b"a_x_1_x_0", made.HASH_KEY) % 100_000


def siphash(data, key):
    """SipHash-2-4 (Aumasson and Bernstein 2012)."""
    mask = 2**64 - 1
    v = [
        k ^ c
        for k, c in zip(
            key * 2,
            (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573),
            strict=True,
        )
    ]

    def rotate(x, n):
        return (x << n | x >> (64 - n)) & mask

    def rounds(n):
        for _ in range(n):
            v[0] = (v[0] + v[1]) & mask
            v[1] = rotate(v[1], 13) ^ v[0]
            v[0] = rotate(v[0], 32)
            v[2] = (v[2] + v[3]) & mask
            v[3] = rotate(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & mask
            v[3] = rotate(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & mask
            v[1] = rotate(v[1], 17) ^ v[2]
            v[2] = rotate(v[2], 32)

    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) % 256])
    for i in range(0, len(padded), 8):
        word = int.from_bytes(padded[i : i + 8], "little")
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def test_logarithm_keeps_the_sign():
    made = module("numeric")
    got = made.log(tf.constant([-math.e + 1, 0.0, math.e - 1])).numpy()
    np.testing.assert_allclose(got, [-1, 0, 1], atol=1e-6)
