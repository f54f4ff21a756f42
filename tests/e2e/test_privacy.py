"""Who may not see single drivers sees no small count on the running stack; who is forgotten is gone."""

import json

from conftest import fleetglow
from e2e.sockets import connected
from e2e.support import Api, is_live, until
from fleetglow.deployment import Deployment
from heatmap.cells import cell_of

# A region in the sea, in which no other test counts drivers.
CITY, PLACE = "s07", (1.5, 4.5)
CELL = cell_of(*PLACE, 7)
SUBSCRIBE = {"action": "subscribe", "city": CITY, "precision": 7, "bbox": [1.4, 4.4, 1.6, 4.6]}
HEATMAP = f"/heatmap?city={CITY}&bbox=1.4,4.4,1.6,4.6"


async def test_a_viewer_without_the_right_to_see_drivers_sees_three_or_nobody(stack: Deployment, api: Api):
    public = Api(stack.rest_url, stack.token("heatmap:read", "viewer", 600))
    drivers = [{"driver_id": f"shy-{n}", "lat": PLACE[0], "lon": PLACE[1]} for n in range(3)]
    seen: list[int] = []

    async with connected(stack, "heatmap:read") as viewer:
        ack = await viewer.ask(SUBSCRIBE)
        assert "ack" == ack["type"], ack
        api.post_pings(*drivers[:2])
        until(lambda: {CELL: 2} == api.get(HEATMAP)["cells"])
        assert {} == public.get(HEATMAP)["cells"]
        api.post_pings(*drivers)
        while 3 not in seen:
            frame = await viewer.receive()
            seen += [count for cells in frame.get("tiles", {}).values() for count in cells.values()]

    assert {3} == set(seen)
    until(lambda: {CELL: 3} == public.get(HEATMAP)["cells"])


def test_somebody_is_forgotten(stack: Deployment, api: Api):
    api.post_pings({"driver_id": "leaver", "lat": PLACE[0], "lon": PLACE[1] + 0.5})
    until(lambda: is_live(stack, CITY, "leaver"))

    forgotten = fleetglow("forget", "leaver", "--json")

    assert 0 == forgotten.returncode, forgotten.stderr
    answer = json.loads(forgotten.stdout)
    assert [CITY] == answer["removed"]["counted"]
    assert {"stream", "failures", "logs"} == answer["kept_seconds"].keys()
    assert not is_live(stack, CITY, "leaver")
