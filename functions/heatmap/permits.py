"""Which pings of a request its sender may send."""

from itertools import count

from heatmap.access import Principal
from heatmap.errors import NotAllowed
from heatmap.pings import Parsed, Rejection


def permitted(parsed: Parsed, principal: Principal) -> Parsed:
    """The same pings, those refused that are of a driver or in a city for which the sender's token is not good."""
    if principal.may_ping_for_all:
        return parsed
    refused_before = {each.index for each in parsed.rejected}
    places = (index for index in count() if index not in refused_before)
    pings, rejected = [], list(parsed.rejected)
    for index, ping in zip(places, parsed.pings, strict=False):
        try:
            principal.require_driver(ping.driver_id)
            principal.require_city(ping.city)
        except NotAllowed as refusal:
            rejected.append(Rejection(index, refusal.code, str(refusal)))
        else:
            pings.append(ping)
    return Parsed(pings, sorted(rejected, key=lambda each: each.index))
