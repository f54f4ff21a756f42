from localstack_dockerless.websocket.rate import TokenBucket


def taken(bucket: TokenBucket, now: float, times: int) -> int:
    return sum(bucket.take(now) for _ in range(times))


def test_as_many_as_the_rate_may_happen_at_once_and_no_more() -> None:
    assert taken(TokenBucket(5, now=0.0), 0.0, times=20) == 5


def test_they_come_back_with_time() -> None:
    bucket = TokenBucket(5, now=0.0)
    taken(bucket, 0.0, times=5)
    assert taken(bucket, 0.1, times=5) == 0
    assert taken(bucket, 0.5, times=5) == 2


def test_a_long_pause_saves_no_more_than_a_second() -> None:
    bucket = TokenBucket(5, now=0.0)
    assert taken(bucket, 100.0, times=20) == 5


def test_a_rate_of_zero_is_no_limit() -> None:
    assert taken(TokenBucket(0, now=0.0), 0.0, times=1000) == 1000
