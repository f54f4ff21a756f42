import pytest

from heatmap.cells import TileRange
from heatmap.mirror import Mirror
from heatmap.state import Stamp, View
from heatmap.tiles import Tiles

ONE = TileRange("s14mk", "s14mk")
MANY = TileRange("s1400", "s14zz")


def test_a_tiles_fragment_holds_its_cells():
    tiles = Tiles({"s14mk2x": 3, "s14mk31": 0})

    assert '"s14mk":{"2x":3,"31":0}' == tiles.json("s14mk")


def test_a_tile_is_encoded_anew_only_after_it_has_changed():
    tiles = Tiles({"s14mk2x": 3})
    first = tiles.packed("s14mk")
    assert tiles.packed("s14mk") is first

    tiles.update({"s14mk2x": 4})

    assert (Tiles({"s14mk2x": 4}).packed("s14mk"), '"s14mk":{"2x":4}') == (tiles.packed("s14mk"), tiles.json("s14mk"))


def test_cells_that_went_empty_are_gone_after_an_update():
    tiles = Tiles({"s14mk2x": 3, "s14mh00": 1, "s14mh01": 1})

    tiles.update({"s14mk2x": 0, "s14mh00": 0, "s14mz00": 0})

    assert {"s14mh": {"01": 1}} == tiles.counts


@pytest.mark.parametrize("wanted", [ONE, MANY], ids=["small", "large"])
def test_tiles_are_found_in_rectangles_smaller_and_larger_than_what_there_is(wanted: TileRange):
    tiles = Tiles({"s14mk2x": 3, "s17zz00": 1})

    assert ("s14mk",) == tiles.within(wanted)


def test_the_tiles_of_a_rectangle_have_one_order_however_they_are_found():
    few = {"s14mk2x": 3, "s14m700": 1, "s14mh00": 1}
    many = few | {f"s15z{n}00": 1 for n in range(10)}
    around = TileRange("s14m5", "s14mk")

    assert ("s14m7", "s14mh", "s14mk") == Tiles(few).within(around) == Tiles(many).within(around)


def test_a_tile_that_comes_later_is_found_as_well():
    tiles = Tiles({"s14mk2x": 3})
    assert ("s14mk",) == tiles.within(MANY)

    tiles.update({"s14mh00": 1, "s14mk2x": 0})

    assert ("s14mh",) == tiles.within(MANY)


@pytest.mark.parametrize("wanted", [TileRange("s14mh", "s14mh"), TileRange("s1500", "s15zz")], ids=["small", "large"])
def test_where_nothing_is_no_tile_is_found(wanted: TileRange):
    tiles = Tiles({"s14mk2x": 3, "s17zz00": 1})

    assert () == tiles.within(wanted)


def test_a_mirror_is_brought_up_by_what_changed():
    mirror = Mirror()
    mirror.take(View(Stamp("e", 5, 2, 0), 0, {"s14mk2x": 2, "s14mk31": 0}))
    mirror.take(View(Stamp("e", 6, 2, 0), 5, {"s14mk2x": 0, "s14mh00": 2}))

    assert ("e", 6, {"s14mh": {"00": 2}}) == (mirror.epoch, mirror.rev, mirror.tiles.counts)


def test_a_mirror_that_cannot_be_brought_up_is_replaced():
    mirror = Mirror()
    mirror.take(View(Stamp("e", 5, 2, 0), 0, {"s14mk2x": 2}))
    mirror.take(View(Stamp("f", 3, 1, 0), 0, {"s14mh00": 1}))

    assert ("f", 3, {"s14mh": {"00": 1}}) == (mirror.epoch, mirror.rev, mirror.tiles.counts)
