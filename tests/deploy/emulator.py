"""Starts MiniStack with four additions that the deploy test needs.

Log of calls: MiniStack checks every call of a function against the function's role (AUTH=true). What
it decided becomes a line of the file that CALLS names, once for each kind of call. Refusals matter
because a function may well survive one (warming up ignores errors), so that no test would notice;
what is allowed, because a role should allow no more (roles.py).

Leading keys: MiniStack evaluates conditions, but does not know dynamodb:LeadingKeys. A transaction
has the keys of all of its items here: whether AWS checks each item with its own key only is not
documented, and what passes this passes that.

Batch actions: AWS has none for SQS (sending a batch needs sqs:SendMessage), MiniStack asks for
sqs:SendMessageBatch. Move tasks name their queue by SourceArn, where MiniStack looks for a URL; it
has none itself (move_tasks.py).

Transport: API Gateway tells a function how the caller reached it, MiniStack does not. MiniStack is
called without TLS, which the queues' policy forbids.
"""

import json
import os
import re

import move_tasks
from ministack import app as ministack
from ministack.core import iam_actions, iam_evaluator

MOVE_TASKS = ("sqs:StartMessageMoveTask", "sqs:ListMessageMoveTasks")
PARTITION_KEYS = ("pk", "gsi1pk")
# The partition of a Query, as the store writes its conditions: "pk = :pk AND …".
PARTITION = re.compile(r"\b(?:%s)\s*=\s*(:\w+)" % "|".join(PARTITION_KEYS))


def as_aws_names_sqs_actions(extract):
    def wrapped(*args, **kwargs):
        action = extract(*args, **kwargs)
        return action.removesuffix("Batch") if action and action.startswith("sqs:") else action

    return wrapped


def finding_the_queue_of_move_tasks(extract):
    def wrapped(service, method, path, headers, body, *args, **kwargs):
        if service == "sqs":
            source = json.loads(body or b"{}").get("SourceArn")
            if source:
                return source
        return extract(service, method, path, headers, body, *args, **kwargs)

    return wrapped


def with_leading_keys(context_of):
    def wrapped(body):
        context = context_of(body)
        keys = sorted(set(leading_keys(json.loads(body or b"{}"))))
        return {**context, "dynamodb:LeadingKeys": keys} if keys else context

    return wrapped


def leading_keys(request):
    """The partition keys that a DynamoDB request names."""
    for item in request.get("TransactItems", []):
        for operation in item.values():
            yield from leading_keys(operation)
    for table in request.get("RequestItems", {}).values():
        # A list of writes, or an object with keys to read.
        for write in table if isinstance(table, list) else []:
            for operation in write.values():
                yield from leading_keys(operation)
        for key in table.get("Keys", []) if isinstance(table, dict) else []:
            yield from partition_key(key)
    yield from partition_key(request.get("Key", {}))
    yield from partition_key(request.get("Item", {}))
    for placeholder in PARTITION.findall(request.get("KeyConditionExpression", "")):
        yield request["ExpressionAttributeValues"][placeholder]["S"]


def partition_key(item):
    if "pk" in item:
        yield item["pk"]["S"]


class Log:
    """One line for each kind of call; keys that differ in an identifier only are one kind."""

    def __init__(self, path):
        self.file = open(path, "a", buffering=1)
        self.seen = set()
        self.context = None

    def enforcing(self, enforce):
        def wrapped(*args, **kwargs):
            self.context = None
            result = enforce(*args, **kwargs)
            if self.context and ":assumed-role/" in self.context.principal_arn:
                self.note(self.context, allowed=result is None)
            return result

        return wrapped

    def evaluating(self, evaluate):
        def wrapped(context, *args, **kwargs):
            # The first is the identity's; a resource's own policy is evaluated afterwards.
            self.context = self.context or context
            return evaluate(context, *args, **kwargs)

        return wrapped

    def note(self, context, allowed):
        keys = context.service_context.get("dynamodb:leadingkeys")
        call = {
            "role": context.principal_arn.split("/")[1],
            "action": context.action,
            "resource": context.resource_arn,
            "keys": keys and sorted({kind_of(key) for key in keys}),
            "allowed": allowed,
        }
        line = json.dumps(call)
        if line not in self.seen:
            self.seen.add(line)
            self.file.write(line + "\n")


def kind_of(key):
    kind, separator, _ = key.partition("#")
    return kind + separator


def adding_forwarding_headers(app, api_host):
    async def wrapped(scope, receive, send):
        if scope["type"] == "http" and (b"host", api_host) in scope["headers"]:
            host, _, port = api_host.partition(b":")
            added = {b"x-forwarded-for": host, b"x-forwarded-port": port, b"x-forwarded-proto": b"http"}
            kept = [(name, value) for name, value in scope["headers"] if name not in added]
            scope = {**scope, "headers": [*kept, *added.items()]}
        await app(scope, receive, send)

    return wrapped


def as_if_by_tls(pin_origin):
    return lambda source_ip, _: pin_origin(source_ip, True)


if __name__ == "__main__":
    move_tasks.install()
    iam_actions.extract_iam_action = as_aws_names_sqs_actions(iam_actions.extract_iam_action)
    iam_actions.extract_resource_arn = finding_the_queue_of_move_tasks(iam_actions.extract_resource_arn)
    iam_actions.dynamodb_service_context = with_leading_keys(iam_actions.dynamodb_service_context)
    log = Log(os.environ["CALLS"])
    iam_evaluator.evaluate = log.evaluating(iam_evaluator.evaluate)
    iam_evaluator.enforce = log.enforcing(iam_evaluator.enforce)
    ministack.pin_request_origin = as_if_by_tls(ministack.pin_request_origin)
    # The API's host as stack.py registers it; AWS's own APIs are called at localhost.
    api_host = f"127.0.0.1:{os.environ['GATEWAY_PORT']}".encode()
    ministack.app = adding_forwarding_headers(ministack.app, api_host)
    ministack.main()
