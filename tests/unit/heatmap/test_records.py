import json
import random
import re
import string
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories import NOW, a_ping, a_record
from heatmap.errors import PoisonRecord
from heatmap.records import MAX_RECORD_BYTES, MAX_UNPACKED_BYTES, Origin, decode, encode
from heatmap.register import merged, position
from junk import DEPTHS, VALUES, damaged, nested, spoiled, written


def test_a_request_is_one_record():
    pings = [a_ping(f"driver-{n}") for n in range(500)]

    assert 1 == len(list(encode(pings)))


def test_a_request_of_500_fits_into_one_billed_unit():
    pings = [a_ping(f"driver-{n}", position=(6.5 + n / 7_000, 3.4 - n / 9_000)) for n in range(500)]

    assert len(a_record(*pings)) < 25_000


def test_a_request_too_large_for_a_record_is_several_and_loses_nothing():
    # Ids that cannot be packed, since every character of them is chance.
    dice = random.Random(1)
    pings = [a_ping("".join(dice.choices(string.ascii_letters, k=3_000))) for _ in range(500)]

    records = list(encode(pings))

    assert all(len(record) <= MAX_RECORD_BYTES for record in records)
    assert [p.driver_id for p in pings] == [s.driver_id for r in records for s in decode(r).cities["lagos"]]


def test_pings_travel_by_city():
    record = decode(a_record(a_ping("a"), a_ping("b", position=(51.5, -0.1)), a_ping("c", position=(0.5, 0.5))))

    assert {"lagos", "london", "s00"} == set(record.cities)


@pytest.mark.parametrize(
    "data",
    [
        b"null",
        b"\xff\xfe",
        b"{}",
        b" " * (MAX_UNPACKED_BYTES + 1),
        b'{"v": 2, "received_at": 1700000000000, "cities": {}}',
        b'{"v": 1, "received_at": 1700000000000, "cities": {"lagos": [["d", 1, "s14mhu5n2", []]]}}',
        b'{"v": 1, "received_at": 1700000000000, "cities": {"lagos": [["d", 1700000000000, "s14", []]]}}',
    ],
)
def test_what_is_no_record_of_ours_is_poison(data: bytes):
    with pytest.raises(PoisonRecord):
        decode(zlib.compress(data))


@pytest.mark.parametrize("data", [b"", b"junk", b"{}", a_record(a_ping())[:-10]])
def test_what_cannot_be_unpacked_is_poison(data: bytes):
    with pytest.raises(PoisonRecord):
        decode(data)


def test_a_register_gives_the_position_back():
    ping = a_ping(sampled_at=NOW - 5, received_at=NOW)
    [_, register] = merged([decode(a_record(ping))])["lagos"]

    kept = position(bytes(register))

    assert (ping.sampled_at, ping.received_at, ping.geohash) == (kept.sampled_at, kept.received_at, kept.geohash)
    assert (ping.lat, ping.lon) == (kept.details.lat, kept.details.lon)


def test_registers_order_as_their_times_do():
    pings = [a_ping(sampled_at=NOW + s, received_at=NOW + r) for s in (0, 9, 10) for r in (11, 99, 100)]

    registers = [merged([decode(a_record(ping))])["lagos"][1] for ping in pings]

    assert registers == sorted(registers)


RECORD = a_record(a_ping("a"), a_ping("b", position=(51.5, -0.1)))
CONTENT = json.loads(zlib.decompress(RECORD))


@given(
    (written(VALUES | spoiled(CONTENT)).map(str.encode) | damaged(json.dumps(CONTENT).encode())).map(zlib.compress)
    | damaged(RECORD)
    | st.binary(max_size=40)
)
def test_whatever_comes_is_a_record_that_can_be_applied_or_poison(data: bytes):
    with suppress(PoisonRecord):
        record = decode(data)

        for flat in merged([record]).values():
            # The scripts compare the digits as text and cut the cell out by its place.
            assert all(re.match(rb"[0-9]{26}.{9}", register, re.DOTALL) for register in flat[1::2])


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_record_of_any_depth_is_read_or_poison(depth: int):
    content = '{"v":1,"received_at":1700000000000,"cities":{"lagos":[["d",1700000000000,"s14mhu5n2",%s]]}}'
    with suppress(PoisonRecord):
        decode(zlib.compress((content % nested(depth)).encode()))


def test_every_record_of_a_request_says_which_it_is_and_whether_it_is_followed():
    dice = random.Random(1)
    pings = [a_ping("".join(dice.choices(string.ascii_letters, k=3_000))) for _ in range(500)]

    records = [decode(data) for data in encode(pings, Origin("request-1", is_followed=True))]

    assert len(records) > 1
    assert {("request-1", True)} == {(record.request, record.is_followed) for record in records}


def test_a_record_from_before_requests_were_named_is_read():
    record = decode(zlib.compress(json.dumps({"v": 1, "received_at": NOW, "cities": {}}).encode()))

    assert ("", False) == (record.request, record.is_followed)
