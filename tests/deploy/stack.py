"""What the deploy test does with the deployed stack, through AWS's own APIs.

connect   closes MiniStack's gaps and prints how to reach the stack, as shell assignments
check     looks at what the flow cannot see: event sources, clock, failed stream records
check-alarms  compares what alarms and dashboard watch with what the stack has
logs      prints the end of what the functions logged, in order of time
"""

import argparse
import json
import secrets
import shlex
import string
import sys
from datetime import datetime

import boto3
import yaml

API_HOST = "127.0.0.1"
LOG_LINES = 400
ALIAS = "live"


class Stack:
    def __init__(self, name):
        self.name = name
        cloudformation = boto3.client("cloudformation")
        resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        self.ids = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}

    def exports(self):
        pages = boto3.client("cloudformation").get_paginator("list_exports").paginate()
        return {export["Name"]: export["Value"] for page in pages for export in page["Exports"]}

    def functions(self):
        return {k: v for k, v in self.ids.items() if k.endswith("Function")}


def connect(stack, template, port):
    create_routes(stack, template)
    map_host(stack)
    print(f"export OPSKNIGHT_TEST_URL=http://{API_HOST}:{port}")
    print(f"export OPSKNIGHT_TEST_ADMIN_KEY={shlex.quote(admin_key(stack))}")


def create_routes(stack, template):
    """MiniStack does not read the OpenAPI body that SAM makes of a function's HttpApi events."""
    gateway, functions = boto3.client("apigatewayv2"), boto3.client("lambda")
    api = stack.ids["Api"]
    # What is there is changed, not made anew: alerts may be coming in.
    existing = {route["RouteKey"]: route["RouteId"] for route in gateway.get_routes(ApiId=api)["Items"]}
    for logical_id, paths in http_events(template):
        function = functions.get_function(FunctionName=stack.ids[logical_id])
        integration = gateway.create_integration(
            ApiId=api,
            IntegrationType="AWS_PROXY",
            IntegrationUri=f"{function['Configuration']['FunctionArn']}:{ALIAS}",
            PayloadFormatVersion="2.0",
        )
        target = f"integrations/{integration['IntegrationId']}"
        for route_key in paths:
            if route_key in existing:
                gateway.update_route(ApiId=api, RouteId=existing.pop(route_key), Target=target)
            else:
                gateway.create_route(ApiId=api, RouteKey=route_key, Target=target)
    for route_id in existing.values():
        gateway.delete_route(ApiId=api, RouteId=route_id)


def http_events(template):
    with open(template) as file:
        resources = yaml.load(file, Loader=TemplateLoader)["Resources"]
    for logical_id, resource in resources.items():
        events = resource["Properties"].get("Events") or {}
        keys = [route_key(e["Properties"]) for e in events.values() if e["Type"] == "HttpApi"]
        if keys:
            yield logical_id, keys


def route_key(event):
    return f"{event['Method']} {event['Path']}" if "Path" in event else "$default"


class TemplateLoader(yaml.SafeLoader):
    """Reads !Ref, !Sub and so on as their plain values: nothing here depends on them."""


TemplateLoader.add_multi_constructor(
    "!",
    lambda loader, _, node: {
        yaml.ScalarNode: loader.construct_scalar,
        yaml.SequenceNode: loader.construct_sequence,
        yaml.MappingNode: loader.construct_mapping,
    }[type(node)](node),
)


def map_host(stack):
    """Makes the API answer at http://127.0.0.1:port/, where AWS's own APIs are at localhost.

    As on AWS the API has its host to itself, so that the URLs that the product makes of a request's
    Host header work. A name of its own would have to be resolved; an address is registered as the
    API's custom domain instead.
    """
    gateway = boto3.client("apigatewayv2")
    if any(d["DomainName"] == API_HOST for d in gateway.get_domain_names()["Items"]):
        return
    certificate = {"CertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/none"}
    gateway.create_domain_name(DomainName=API_HOST, DomainNameConfigurations=[certificate])
    gateway.create_api_mapping(DomainName=API_HOST, ApiId=stack.ids["Api"], Stage="$default")


def admin_key(stack):
    """The generated key; without the punctuation that MiniStack puts in though the template forbids it."""
    manager, secret = boto3.client("secretsmanager"), stack.outputs["AdminKeySecretArn"]
    key = manager.get_secret_value(SecretId=secret)["SecretString"]
    if len(key) < 40:
        sys.exit(f"the admin key has {len(key)} characters only")
    if not key.isalnum():
        alphabet = string.ascii_letters + string.digits
        key = "".join(secrets.choice(alphabet) for _ in key)
        manager.put_secret_value(SecretId=secret, SecretString=key)
    return key


def check(stack):
    failures = [*unreported_failures(stack), *clock_failure(stack), *lost_records(stack)]
    for failure in failures:
        print(f"FAILED: {failure}")
    sys.exit(1 if failures else 0)


def unreported_failures(stack):
    """Without this setting Lambda takes a partial failure for a success and drops what failed."""
    client = boto3.client("lambda")
    for function in ("FanoutFunction", "DeliveryFunction"):
        name = stack.ids[function]
        sources = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        if [s["FunctionResponseTypes"] for s in sources] != [["ReportBatchItemFailures"]]:
            yield f"{name} has no single event source that reports batch item failures"


def clock_failure(stack):
    """The flow is over before the schedule has started the clock for sure."""
    answer = boto3.client("lambda").invoke(
        FunctionName=stack.ids["ClockFunction"],
        Payload=json.dumps({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}),
    )
    if "FunctionError" in answer:
        yield f"the clock: {answer['Payload'].read().decode()}"


def lost_records(stack):
    queue = stack.ids["StreamFailuresQueue"]
    attributes = boto3.client("sqs").get_queue_attributes(
        QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]
    if attributes["ApproximateNumberOfMessages"] != "0":
        yield f"fanout gave up on stream records: {attributes}"


def check_alarms(stack, template):
    """An alarm on a metric that does not exist is never raised, and nothing else would tell.

    Read from the template, because MiniStack makes no alarms that calculate.
    """
    with open(template) as file:
        resources = resolve(yaml.load(file, Loader=TemplateLoader)["Resources"], stack)
    known = dimension_values(stack)
    watched = [(where, *found) for where, resource in resources.items() for found in dimensions(resource)]
    failures = [
        f"{where} watches {name}={value}, which the stack does not have"
        for where, name, value in watched
        if name in known and value not in known[name]
    ]
    # Each function and queue is watched by something.
    unwatched = {name: values - {v for _, n, v in watched if n == name} for name, values in known.items()}
    failures += [f"nothing watches {name}={value}" for name, values in unwatched.items() for value in values]
    print(f"{len(watched)} metrics are watched")
    for failure in failures:
        print(f"FAILED: {failure}")
    sys.exit(1 if failures else 0)


def resolve(value, stack):
    """The template's own functions, as far as they name what is watched."""
    if isinstance(value, dict):
        if set(value) == {"Fn::Sub"}:
            return stack.exports()[value["Fn::Sub"].replace("${StackName}", stack.name)]
        return {key: resolve(item, stack) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, stack) for item in value]
    return value.replace("${StackName}", stack.name) if isinstance(value, str) else value


def dimensions(resource):
    if resource["Type"] == "AWS::CloudWatch::Dashboard":
        body, names = resource["Properties"]["DashboardBody"]
        for name, value in names.items():
            body = body.replace("${%s}" % name, value)
        for widget in json.loads(body)["widgets"]:
            for metric in widget["properties"].get("metrics", []):
                # [namespace, metric, name, value, …, options]
                texts = [part for part in metric if isinstance(part, str)]
                yield from zip(texts[2::2], texts[3::2])
        return
    for dimension in found(resource, "Dimensions"):
        yield dimension["Name"], dimension["Value"]


def found(value, key):
    """What lists of this name hold, anywhere inside."""
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    if isinstance(value, dict):
        yield from value.get(key, [])
    for child in children:
        yield from found(child, key)


def dimension_values(stack):
    queues = [url.rsplit("/", 1)[1] for key, url in stack.ids.items() if key.endswith("Queue")]
    return {
        "FunctionName": set(stack.functions().values()),
        "QueueName": set(queues),
        "TableName": {stack.ids["Table"]},
        "GlobalSecondaryIndexName": {"GSI1"},
        "ApiId": {stack.ids["Api"]},
    }


def logs(stack):
    lines = sorted(line for name in stack.functions().values() for line in log_lines(name))
    for timestamp, function, message in lines[-LOG_LINES:]:
        time = datetime.fromtimestamp(timestamp / 1000).strftime("%H:%M:%S.%f")[:-3]
        print(f"{time} {function}: {message}")


def log_lines(function):
    pages = boto3.client("logs").get_paginator("filter_log_events")
    for page in pages.paginate(logGroupName=f"/aws/lambda/{function}"):
        for event in page["events"]:
            if not event["message"].startswith(("START ", "END ", "REPORT ")):
                yield event["timestamp"], function, event["message"].rstrip()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["connect", "check", "check-alarms", "logs"])
    parser.add_argument("--stack", required=True)
    parser.add_argument("--template")
    parser.add_argument("--port")
    arguments = parser.parse_args()
    stack = Stack(arguments.stack)
    if arguments.command == "connect":
        connect(stack, arguments.template, arguments.port)
    elif arguments.command == "check-alarms":
        check_alarms(stack, arguments.template)
    else:
        {"check": check, "logs": logs}[arguments.command](stack)


if __name__ == "__main__":
    main()
