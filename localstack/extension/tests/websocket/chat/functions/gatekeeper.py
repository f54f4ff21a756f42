"""The authorizer: lets in who knows the key of the name."""

import hashlib
import hmac
import os
from typing import Any


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    query = event["queryStringParameters"]
    user = query["user"]
    if user == "nobody":
        raise Exception("Unauthorized")
    key = hmac.digest(os.environ["SECRET"].encode(), user.encode(), hashlib.sha256).hex()
    effect = "Allow" if hmac.compare_digest(key, query["key"]) else "Deny"
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": event["methodArn"]}
    return {
        "principalId": user,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"user": user},
    }
