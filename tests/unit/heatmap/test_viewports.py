import pytest

from heatmap.cells import BBox
from heatmap.cities import cities
from heatmap.errors import InvalidInput
from heatmap.viewports import from_subscription, viewport

PRECISIONS = (5, 6, 7)


def test_views_of_nearly_the_same_place_are_one_viewport():
    one = viewport("lagos", 7, BBox(6.451, 3.351, 6.549, 3.449), cities(), PRECISIONS)
    other = viewport("lagos", 7, BBox(6.452, 3.352, 6.548, 3.448), cities(), PRECISIONS)

    assert one == other


def test_without_a_box_the_whole_city_is_watched():
    assert "lagos/7/s14hn-s14wm" == viewport("lagos", 7, None, cities(), PRECISIONS).subscription


def test_a_region_is_a_city_too():
    assert viewport("s00", 5, None, cities(), PRECISIONS).tiles.holds("s00")


def test_a_subscription_names_its_viewport():
    watched = viewport("sao-paulo", 6, None, cities(), PRECISIONS)

    assert watched == from_subscription(watched.subscription)


def test_a_box_that_reaches_into_the_city_is_watched():
    assert viewport("lagos", 7, BBox(6.0, 3.0, 6.36, 3.11), cities(), PRECISIONS)


def test_a_box_beside_the_city_is_watched_with_the_tile_that_both_lie_in():
    assert viewport("lagos", 5, BBox(6.1, 2.9, 6.34, 3.05), cities(), PRECISIONS).tiles.holds("s14")


@pytest.mark.parametrize(
    "box", [BBox(51.4, -0.2, 51.6, 0.1), BBox(6.5, 3.9, 6.6, 4.0), BBox(6.2, 3.3, 6.3, 3.4)], ids=str
)
def test_a_box_apart_from_the_city_is_refused_with_the_city_s_own(box: BBox):
    with pytest.raises(
        InvalidInput, match=r"bbox: expected a part of lagos, which is \[6.35, 3.1, 6.75, 3.75\]"
    ) as refusal:
        viewport("lagos", 7, box, cities(), PRECISIONS)

    assert "outside_city" == refusal.value.code


@pytest.mark.parametrize("city", [None, 5, "", "atlantis", "s1", "s14x", "ail", "{lagos}", "lagos\n"])
def test_an_unknown_city_is_refused(city: object):
    with pytest.raises(InvalidInput, match="city: expected one of lagos") as refusal:
        viewport(city, 7, None, cities(), PRECISIONS)

    assert "unknown_city" == refusal.value.code


@pytest.mark.parametrize("precision", [None, "7", 7.0, True, 4, 8, -1, 10**30])
def test_an_unknown_precision_is_refused(precision: object):
    with pytest.raises(InvalidInput, match="precision: expected one of 5, 6, 7"):
        viewport("lagos", precision, None, cities(), PRECISIONS)


@pytest.mark.parametrize("name", [None, 5, "", "lagos", "lagos/7/s14", "lagos/7/s14hn-s14", "{x}/7/s14hn-s14wm"])
def test_what_names_no_subscription_is_refused(name: object):
    with pytest.raises(InvalidInput, match="subscription: expected"):
        from_subscription(name)
