from adapters.management.throttle import Throttle


def refused(throttle: Throttle, now: float, *, answers: int = 1) -> float:
    """How long everybody pauses after a 429 that is the last of so many answers; 0 if not at all."""
    throttle.answers += answers
    return round(throttle.until - now, 3) if throttle.refuse(now) else 0


def test_clients_that_do_not_read_stop_nobody():
    throttle = Throttle()

    assert [0] * 100 == [refused(throttle, n / 100, answers=15) for n in range(100)]


def test_many_refusals_among_few_answers_make_everybody_pause():
    throttle = Throttle()

    assert [0, 0, 0.1] == [refused(throttle, 0, answers=14) for _ in range(3)]


def test_posts_that_were_on_their_way_when_the_pause_began_do_not_make_it_longer():
    throttle = Throttle()
    for _ in range(3):
        refused(throttle, 0)

    assert [0] * 60 == [refused(throttle, 0.05) for _ in range(60)]
    assert 0.1 == throttle.until


def test_pauses_get_longer_while_nothing_gets_better():
    throttle = Throttle()
    now, pauses = 0.0, []
    for _ in range(7):
        refused(throttle, now)
        refused(throttle, now)
        pauses.append(refused(throttle, now))
        now += pauses[-1] + 0.01

    assert [0.1, 0.2, 0.4, 0.8, 1.6, 1.6, 1.6] == pauses


def test_after_a_while_without_a_pause_the_next_is_short_again():
    throttle = Throttle()
    for now in (0, 0, 0, 0.2, 0.2, 0.2):
        refused(throttle, now)

    assert [0, 0, 0.1] == [refused(throttle, 2) for _ in range(3)]
