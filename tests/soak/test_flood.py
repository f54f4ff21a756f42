"""Ten thousand subscriptions at once on one connection: each is answered, and nobody else feels it.

`make soak` runs it, or `pytest -s tests/soak/test_flood.py`. `tests/e2e/test_bad_messages.py` has a short form.
"""

import pytest
import redis

from adapters.live_state import LiveState
from e2e.flood import flooded
from fleetglow.deployment import Deployment

MESSAGES = 10_000
# While it lasts there is traffic; a minute on two cores.
TRAFFIC_S = 60
THREE_TICKS_S = 9


@pytest.mark.timeout(600)
async def test_ten_thousand_subscriptions_at_once_are_answered_and_a_bystander_sees_the_map_go_on(stack: Deployment):
    state = LiveState(redis.Redis.from_url(stack.redis_url), (4, 5, 6, 7, 8))

    flood = await flooded(stack, state, MESSAGES, TRAFFIC_S)

    print(f"\n{flood}")  # noqa: T201 - what `make soak` is for
    flood.check(MESSAGES)
    assert flood.silence_s < THREE_TICKS_S
    assert all(each.exact for each in state.check(state.cities()).values())
