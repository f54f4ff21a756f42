"""What the API's answers to a post mean."""

from enum import Enum

from adapters.management.responses import Response


class Outcome(Enum):
    """What became of a viewer's messages.

    All but SENT and GONE are reasons for which they were dropped: the rest of them after the first that failed, since
    a viewer who misses one makes up for it at the next frame, whatever comes in between.
    """

    SENT = "sent"
    GONE = "gone"
    # The client does not read what it is sent, or the account is over its rate.
    THROTTLED = "throttled"
    # No answer in the time that a post has, or the invocation's time was up.
    TIMED_OUT = "timed_out"
    # The role may not post, or the stage does not exist.
    FORBIDDEN = "forbidden"
    # Any other answer, or none.
    FAILED = "failed"

    @property
    def is_drop(self) -> bool:
        return self not in _NORMAL


_NORMAL = {Outcome.SENT, Outcome.GONE}
_BY_STATUS = {
    200: Outcome.SENT,
    # To a DELETE.
    204: Outcome.SENT,
    403: Outcome.FORBIDDEN,
    410: Outcome.GONE,
    429: Outcome.THROTTLED,
}


def outcome_of(response: Response) -> Outcome:
    """What an answer says.

    410 (GoneException) is a connection that has ended or never was. An id that is not even of the right form is
    answered with 400 (BadRequestException, "Invalid connectionId: …"), which the API's reference leaves out.
    """
    outcome = _BY_STATUS.get(response.status)
    if outcome is not None:
        return outcome
    is_malformed_id = response.status == 400 and b"invalid connectionid" in response.body.lower()
    return Outcome.GONE if is_malformed_id else Outcome.FAILED
