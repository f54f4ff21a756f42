"""What comes when to viewers without `drivers:read`, and what is kept for them."""

from pathlib import Path

from adapters.live_state import TOMBSTONE_MS
from connections import app
from factories import LAGOS, LambdaContext, an_sqs_event
from fleetglow.protocol import Delta, Heartbeat, Snapshot
from heatmap.frames import Encoding
from heatmap.viewports import Audience
from integration.privacy.town import CELL, EXACT, PUBLIC, Screen, Town

PAGE = Path(__file__).parents[3] / "docs/privacy.md"


def test_the_first_viewer_gets_a_snapshot_at_once(town: Town):
    town.ping("a", "b", "c")
    screen = Screen("public-7", 7, PUBLIC)

    ack = town.subscribe(screen)
    [[snapshot]] = town.take(screen)

    assert isinstance(snapshot, Snapshot)
    assert ({CELL: 3}, 3, ack["rev"]) == (screen.shown.cells, screen.shown.drivers, screen.shown.rev)


def test_a_change_in_a_hidden_cell_is_none(town: Town, screen: Screen):
    town.ping("a")
    town.tick()
    before = screen.shown.rev
    town.take(screen)

    town.ping("b")
    for _ in range(5):
        town.tick()

    [messages] = town.take(screen)
    assert [(Heartbeat, before, 0, 0)] == [(type(each), each.rev, each.drivers, each.lag_ms) for each in messages]


def test_no_frame_says_how_long_ago_the_last_ping_of_anybody_was(town: Town, screen: Screen):
    town.ping("a", "b", "c")
    town.clock.now += 2_000
    town.tick()
    back = Screen("public-back", 7, PUBLIC)
    town.subscribe(back)

    frames = [frame for seen in town.take(screen, back) for frame in seen]

    assert {Delta, Snapshot} == {type(frame) for frame in frames}
    assert {0} == {frame.lag_ms for frame in frames}


def test_a_cell_that_falls_below_the_least_is_sent_as_one_that_went_empty(town: Town, screen: Screen):
    elsewhere = (LAGOS[0] + 0.1, LAGOS[1])
    deltas = []
    for leaving in (["a"], ["a", "b", "c"]):
        town.ping("a", "b", "c")
        town.tick()
        town.take(screen)
        town.ping(*leaving, position=elsewhere)
        # Whoever they are there with is not told either.
        town.tick()
        [[delta]] = town.take(screen)
        assert isinstance(delta, Delta)
        deltas.append(delta.cells[CELL])

    assert [0, 0] == deltas


def test_a_viewer_who_was_away_for_a_while_resumes(town: Town, screen: Screen):
    town.ping("a", "b", "c")
    town.tick()
    town.take(screen)
    app.lambda_handler(an_sqs_event(screen.connection), LambdaContext())
    town.ping("a", "b", "c", position=(LAGOS[0] + 0.1, LAGOS[1]))
    town.tick()
    back = Screen("public-back", 7, PUBLIC)
    back.shown = screen.shown

    town.subscribe(back)

    [[delta]] = town.take(back)
    assert isinstance(delta, Delta)
    assert town.published().cells[7] == back.shown.cells


def test_without_such_a_viewer_nothing_is_published(town: Town):
    town.ping("a", "b", "c")
    town.subscribe(Screen("exact-7", 7, EXACT))
    town.tick()

    assert [] == town.client.keys("*public*")


def test_what_nobody_watches_any_more_is_dropped_after_a_while(town: Town, screen: Screen):
    town.ping("a", "b", "c")
    town.tick()
    assert ["lagos"] == town.state.cities(Audience.PUBLIC)
    app.lambda_handler(an_sqs_event(screen.connection), LambdaContext())
    town.tick()
    assert town.client.keys("{lagos}:public:*")

    town.clock.now += TOMBSTONE_MS
    town.tick()

    assert ([], []) == (town.client.keys("{lagos}:public:*"), town.state.cities(Audience.PUBLIC))


def test_where_nobody_is_shown_it_is_dropped_at_once(town: Town, screen: Screen):
    town.ping("a")
    town.tick()
    assert town.client.keys("{lagos}:public:*")
    app.lambda_handler(an_sqs_event(screen.connection), LambdaContext())

    town.tick()

    assert ([], []) == (town.client.keys("{lagos}:public:*"), town.state.cities(Audience.PUBLIC))


def test_the_page_says_after_how_long():
    minutes = {1: "One minute", 2: "Two minutes", 5: "Five minutes"}[TOMBSTONE_MS // 60_000]

    assert f"{minutes} after the last of them has left the set is dropped" in PAGE.read_text()


def test_a_connection_leaves_the_viewports_of_its_audience(town: Town, screen: Screen):
    exact = Screen("exact-7", 7, EXACT)
    subscription = town.subscribe(exact)["subscription"]
    watched = [viewport for each in (screen, exact) for viewport in town.registry.viewports(each.connection)]
    assert [Audience.PUBLIC, Audience.EXACT] == [viewport.audience for viewport in watched]
    assert [{Encoding.JSON: ["public-7"]}, {Encoding.JSON: ["exact-7"]}] == town.state.viewers(watched)

    assert "ack" == town.send("unsubscribe", "public-7", PUBLIC, subscription=subscription)["type"]
    assert [{}, {Encoding.JSON: ["exact-7"]}] == town.state.viewers(watched)

    app.lambda_handler(an_sqs_event("exact-7"), LambdaContext())
    assert [{}, {}] == town.state.viewers(watched)
