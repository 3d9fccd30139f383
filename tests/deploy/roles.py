"""Checks the functions' roles against the calls that the functions made (emulator.py's log).

A role must have allowed every call, must allow nothing that its function never did, and must name
nothing but what belongs to the stack. What is allowed and not seen needs a reason in UNSEEN.
"""

import json
import sys
from fnmatch import fnmatchcase

import boto3

EVERY = "*"

# (function, action, resource or partition): why it is allowed though no call of the tests shows it.
# The resource is written as NAMES below says.
UNSEEN = [
    (EVERY, "logs:CreateLogStream", "log group", "Lambda itself writes a function's log, with its role"),
    (EVERY, "logs:PutLogEvents", "log group", "Lambda itself writes a function's log, with its role"),
    (EVERY, "xray:PutTraceSegments", "everything", "X-Ray has no resources; only where Tracing is Active"),
    (EVERY, "xray:PutTelemetryRecords", "everything", "X-Ray has no resources; only where Tracing is Active"),
    ("fanout", "dynamodb:DescribeStream", "stream", "Lambda itself reads the stream"),
    ("fanout", "dynamodb:GetRecords", "stream", "Lambda itself reads the stream"),
    ("fanout", "dynamodb:GetShardIterator", "stream", "Lambda itself reads the stream"),
    ("fanout", "dynamodb:ListStreams", "streams", "Lambda itself looks for the stream"),
    ("fanout", "sqs:SendMessage", "StreamFailuresQueue", "Lambda itself tells what fanout could not handle"),
    ("delivery", "sqs:ReceiveMessage", "DeliveriesQueue", "Lambda itself polls the queue"),
    ("delivery", "sqs:DeleteMessage", "DeliveriesQueue", "Lambda itself deletes what was handled"),
    ("settings", "sqs:ReceiveMessage", "DeadLetterQueue", "SQS itself redrives, with the rights of who asked"),
    ("settings", "sqs:DeleteMessage", "DeadLetterQueue", "SQS itself redrives, with the rights of who asked"),
    ("console", EVERY, EVERY, "MiniStack answers /login itself; a template test holds the role to those of the APIs"),
    (EVERY, EVERY, "OPEN256#*", "what OPEN#* is, for keys of more bytes than a partition key has; one code path"),
]


class Stack:
    """What belongs to the stack, by ARN."""

    def __init__(self, name):
        cloudformation = boto3.client("cloudformation")
        resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        self.name = name
        self.ids = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}
        self.roles = {
            r["PhysicalResourceId"]: r["LogicalResourceId"].removesuffix("Role").lower()
            for r in resources
            if r["ResourceType"] == "AWS::IAM::Role"
        }
        self.names = dict(self.named(resources))

    def named(self, resources):
        table = boto3.client("dynamodb").describe_table(TableName=self.ids["Table"])["Table"]
        yield EVERY, "everything"
        yield table["TableArn"], "table"
        yield table["LatestStreamArn"], "stream"
        # It has the moment of its making in its name.
        yield f"{table['TableArn']}/stream/*", "streams"
        for index in table["GlobalSecondaryIndexes"]:
            yield f"{table['TableArn']}/index/{index['IndexName']}", "index"
        sqs = boto3.client("sqs")
        for resource in resources:
            logical, physical = resource["LogicalResourceId"], resource["PhysicalResourceId"]
            if resource["ResourceType"] == "AWS::SQS::Queue":
                attributes = sqs.get_queue_attributes(QueueUrl=physical, AttributeNames=["QueueArn"])
                yield attributes["Attributes"]["QueueArn"], logical
            elif resource["ResourceType"] == "AWS::SecretsManager::Secret":
                secret = boto3.client("secretsmanager").describe_secret(SecretId=physical)
                yield secret["ARN"], logical

    def name_of(self, arn, function):
        """The resource's short name, and None for what is not the function's to name."""
        log_group = f":log-group:/aws/lambda/{self.name}-{function}"
        if arn.removesuffix(":*").endswith(log_group):
            return "log group"
        return self.names.get(arn)


class Statement:
    """One of a role's Allow statements."""

    def __init__(self, statement):
        self.actions = as_list(statement["Action"])
        self.resources = as_list(statement["Resource"])
        condition = statement.get("Condition", {})
        self.partitions = as_list(condition.get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", []))
        self.guarded = str(condition.get("Null", {}).get("dynamodb:LeadingKeys")).lower() == "false"

    def covers(self, call):
        return (
            call["action"] in self.actions
            and call["resource"] in self.resources
            and all(any(fnmatchcase(key, p) for p in self.partitions) for key in call["keys"] or [])
        )


def as_list(value):
    return value if isinstance(value, list) else [value]


def statements(role):
    iam = boto3.client("iam")
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        yield None, f"a managed policy: {attached['PolicyName']}"
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for statement in as_list(document["Statement"]):
            yield Statement(statement), None


def check_role(stack, role, function, calls):
    for call in calls:
        if not call["allowed"]:
            yield f"tried what its role does not allow: {call['action']} {call['resource']} {call['keys'] or ''}"
    allowed = [call for call in calls if call["allowed"]]
    for statement, fault in statements(role):
        if fault:
            yield f"has {fault}"
        else:
            yield from check_statement(stack, function, statement, allowed)


def check_statement(stack, function, statement, calls):
    seen = [call for call in calls if statement.covers(call)]
    for arn in statement.resources:
        name = stack.name_of(arn, function)
        if name is None:
            yield f"may use what is not its own: {statement.actions} {arn}"
            continue
        if name in ("table", "index") and not (statement.partitions and statement.guarded):
            yield f"may use the whole {name}: {statement.actions}"
        for action in statement.actions:
            used = any(call["action"] == action and call["resource"] == arn for call in seen)
            targets = statement.partitions if name in ("table", "index") else [name]
            if not used and not all(excused(function, action, target) for target in targets):
                yield f"never used, and UNSEEN has no reason: {action} on {name}"
    keys = {key for call in seen for key in call["keys"] or []}
    for partition in statement.partitions:
        used = any(fnmatchcase(key, partition) for key in keys)
        if not used and not all(excused(function, action, partition) for action in statement.actions):
            yield f"never used, and UNSEEN has no reason: {statement.actions} in {partition}"


def excused(function, action, target):
    return any(
        fnmatchcase(function, f) and fnmatchcase(action, a) and t in (EVERY, target) for f, a, t, _ in UNSEEN
    )


def main():
    name, log = sys.argv[1:]
    stack = Stack(name)
    with open(log) as file:
        calls = [json.loads(line) for line in file]
    failures = []
    for role, function in sorted(stack.roles.items(), key=lambda pair: pair[1]):
        own = [call for call in calls if call["role"] == role]
        failures += [f"{function} {failure}" for failure in check_role(stack, role, function, own)]
        print(f"{function}: {len(own)} kinds of calls")
    for failure in failures:
        print(f"FAILED: {failure}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
