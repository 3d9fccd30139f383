"""Starts MiniStack with three additions that the deploy test needs.

Refused calls: MiniStack checks every call of a function against the function's role (AUTH=true).
A function may well survive a refusal (warming up ignores errors), so that no test would notice.
Each one becomes a line of the file that DENIED_CALLS names.

Batch actions: AWS has none for SQS (sending a batch needs sqs:SendMessage), MiniStack asks for
sqs:SendMessageBatch. Move tasks are not checked: they name their queue by SourceArn, where MiniStack
looks for a URL, and it has no move tasks anyway.

Forwarding headers: API Gateway tells a function how the caller reached it, MiniStack does not.
"""

import os
import re

from ministack import app as ministack
from ministack.core import iam_actions

REFUSAL = re.compile(rb"[^ ]*:assumed-role/[^ ]+ is not authorized to perform: [^\"]+")


def as_aws_names_sqs_actions(extract):
    def wrapped(*args, **kwargs):
        action = extract(*args, **kwargs)
        if action in ("sqs:StartMessageMoveTask", "sqs:ListMessageMoveTasks"):
            return None
        return action.removesuffix("Batch") if action and action.startswith("sqs:") else action

    return wrapped


def noting_refusals(app, path):
    async def wrapped(scope, receive, send):
        refused = False

        async def look(message):
            nonlocal refused
            if message["type"] == "http.response.start":
                refused = message["status"] in (400, 403)
            elif refused and message["type"] == "http.response.body":
                for refusal in REFUSAL.findall(message.get("body", b"")):
                    with open(path, "ab") as file:
                        file.write(refusal + b"\n")
            await send(message)

        await app(scope, receive, look if scope["type"] == "http" else send)

    return wrapped


def adding_forwarding_headers(app, api_host):
    async def wrapped(scope, receive, send):
        if scope["type"] == "http" and (b"host", api_host) in scope["headers"]:
            host, _, port = api_host.partition(b":")
            added = {b"x-forwarded-for": host, b"x-forwarded-port": port, b"x-forwarded-proto": b"http"}
            kept = [(name, value) for name, value in scope["headers"] if name not in added]
            scope = {**scope, "headers": [*kept, *added.items()]}
        await app(scope, receive, send)

    return wrapped


if __name__ == "__main__":
    iam_actions.extract_iam_action = as_aws_names_sqs_actions(iam_actions.extract_iam_action)
    # The API's host as stack.py registers it; AWS's own APIs are called at localhost.
    api_host = f"127.0.0.1:{os.environ['GATEWAY_PORT']}".encode()
    app = noting_refusals(ministack.app, os.environ["DENIED_CALLS"])
    ministack.app = adding_forwarding_headers(app, api_host)
    ministack.main()
