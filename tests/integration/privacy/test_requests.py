"""Whatever else a token without `drivers:read` can ask for."""

import json
from typing import Any

import pytest

from factories import LAGOS, LambdaContext, a_rest_event
from integration.privacy.town import CELL, EXACT, PUBLIC, PUBLISHED, Screen, Town, counts_in, rest
from query import app as query
from query.reads import PUBLISHED_CACHE_MS


def test_nothing_that_may_be_asked_for_tells_of_fewer_drivers_than_the_least(town: Town):
    town.ping("driver-a", "driver-b")
    town.ping("driver-c", position=(LAGOS[0] + 0.1, LAGOS[1]))
    town.ping("driver-d", "driver-e", position=(0.5, 0.5))
    town.ping("driver-f", position=(-1.3, 36.8))

    answers: list[Any] = [rest("/heatmap", PUBLIC, city="lagos", precision=str(p)) for p in PUBLISHED]
    answers += [rest("/heatmap", PUBLIC, city="s00", precision="5"), rest("/stats", PUBLIC), rest("/cities", PUBLIC)]
    answers += [rest("/stats", PUBLIC, city="nairobi"), town.send("hello", "c", PUBLIC)]
    for precision in PUBLISHED:
        screen = Screen(f"c-{precision}", precision, PUBLIC)
        answers.append(town.subscribe(screen))
        answers += town.queue.take_messages(screen.connection)

    assert {0, 3} == set(counts_in([body for body in answers if isinstance(body, dict)])) | {
        count for answer in answers if isinstance(answer, tuple) for count in counts_in(answer[1])
    }
    assert "driver-" not in json.dumps(answers)


def test_places_in_which_nobody_is_shown_are_not_listed(town: Town):
    town.ping("a", "b", "c")
    town.ping("d", position=(0.5, 0.5))

    assert ["lagos"] == list(rest("/stats", PUBLIC)[1]["cities"])
    assert {"lagos", "s00"} == rest("/stats", EXACT)[1]["cities"].keys()
    asked = rest("/stats", PUBLIC, city="s00")[1]["cities"]["s00"]
    assert (0, None, {"4": 0, "5": 0, "6": 0, "7": 0}) == (asked["drivers"], asked["last_event"], asked["cells"])


def body_of(town: Town, path: str, city: str) -> str:
    """An answer as it is sent, after what was kept of the one before is over, and without its time."""
    town.clock.now += PUBLISHED_CACHE_MS
    event = a_rest_event("GET", path, query={"city": city, "precision": "5"}, scope=PUBLIC)
    body: str = query.lambda_handler(event, LambdaContext())["body"]
    as_of = json.loads(body)["as_of"]
    assert as_of in body
    return body.replace(as_of, "")


@pytest.mark.parametrize("path", ["/heatmap", "/stats"])
def test_a_region_with_a_driver_who_moves_answers_as_an_empty_one(town: Town, path: str):
    empty = body_of(town, path, "s00")

    for step in range(4):
        town.ping("d", position=(0.5 + 0.01 * step, 0.5))
        assert empty == body_of(town, path, "s00")

    assert town.state.view("s00", 7).stamp.rev > 1


@pytest.mark.parametrize("path", ["/heatmap", "/stats"])
def test_beside_drivers_who_are_shown_one_who_is_not_moves_unseen(town: Town, path: str):
    town.ping("a", "b", "c")
    shown = body_of(town, path, "lagos")
    assert '"drivers":3' in shown

    for step in range(4):
        town.ping("d", position=(LAGOS[0] + 0.1 + 0.01 * step, LAGOS[1]))
        assert shown == body_of(town, path, "lagos")


def test_the_heatmap_of_now_is_what_is_published(town: Town):
    town.ping("a", "b", "c")
    town.ping("d", position=(LAGOS[0] + 0.1, LAGOS[1]))

    _, public = rest("/heatmap", PUBLIC, city="lagos")
    _, exact = rest("/heatmap", EXACT, city="lagos")

    assert ({CELL: 3}, 3) == (public["cells"], public["drivers"])
    assert (4, 4) == (sum(exact["cells"].values()), exact["drivers"])


def test_streets_are_refused_and_not_offered(town: Town):
    status, refusal = rest("/heatmap", PUBLIC, city="lagos", precision="8", bbox="6.51,3.37,6.53,3.39")
    assert (403, "forbidden") == (status, refusal["code"])
    street = {"city": "lagos", "precision": 8, "bbox": [6.51, 3.37, 6.53, 3.39]}
    assert "forbidden" == town.send("subscribe", "public-8", PUBLIC, **street)["code"]
    assert [] == town.registry.viewports("public-8")

    assert [4, 5, 6, 7] == town.send("hello", "public-8", PUBLIC)["precisions"]
    assert [4, 5, 6, 7, 8] == town.send("hello", "exact-8", EXACT)["precisions"]
