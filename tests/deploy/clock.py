"""What only time brings about: clock.py STACK.

A snoozed incident is opened by the clock. A delivery that nothing moves is queued again, arrives, and
is watched no longer: the test makes one by setting back the record of a delivered one, because the
clock itself finds such only after a quarter of an hour.
"""

import json
import sys
import time
from datetime import datetime, timedelta, timezone

import boto3

from stack import Stack
from upgrade import Receiver, api, call, integrate, until

LONG_AGO = "1970-01-01T00:00:00.000Z"


def tick(stack):
    answer = boto3.client("lambda").invoke(
        FunctionName=f"{stack.ids['ClockFunction']}:live",
        Payload=json.dumps({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}),
    )
    if "FunctionError" in answer:
        sys.exit(f"FAILED: the clock: {answer['Payload'].read().decode()}")


def snooze_ends(stack, incident):
    end = datetime.now(timezone.utc) + timedelta(seconds=1)
    snooze = {"status": "SNOOZED", "snoozedUntil": end.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"}
    api("PATCH", f"/api/incidents/{incident}", snooze)

    def is_open():
        tick(stack)
        return api("GET", f"/api/incidents/{incident}")["incident"]["status"] == "OPEN"

    until("the end of the snooze", is_open)


def stranded_delivery_moves(stack, receiver, webhook):
    table = boto3.resource("dynamodb").Table(stack.ids["Table"])
    path = f"/api/status-page/webhooks/{webhook['id']}/deliveries?status=DELIVERED"
    until("a delivery", lambda: api("GET", path)["deliveries"])
    delivery = api("GET", path)["deliveries"][-1]
    key = {"pk": f"WEBHOOK#{webhook['id']}", "sk": f"DELIVERY#{delivery['id']}"}
    pending = table.update_item(
        Key=key,
        UpdateExpression="SET #status = :pending ADD #round :one",
        ExpressionAttributeNames={"#status": "status", "#round": "round"},
        ExpressionAttributeValues={":pending": "PENDING", ":one": 1},
        ReturnValues="ALL_NEW",
    )["Attributes"]
    watch = {
        "pk": "WATCHES",
        "sk": key["sk"],
        "deliveryId": delivery["id"],
        "webhookId": webhook["id"],
        "group": pending["group"],
        "checkAt": LONG_AGO,
        "resent": 0,
    }
    table.put_item(Item=watch)
    arrived = len(receiver.arrivals)
    tick(stack)
    until("the stranded delivery", lambda: len(receiver.arrivals) > arrived)
    until("its record", lambda: any(d["id"] == delivery["id"] for d in api("GET", path)["deliveries"]))
    table.put_item(Item=watch)
    tick(stack)
    watched = table.get_item(Key={"pk": "WATCHES", "sk": key["sk"]}, ConsistentRead=True)
    if "Item" in watched:
        sys.exit("FAILED: the delivery is finished and still watched")


def main():
    stack = Stack(sys.argv[1])
    receiver = Receiver()
    integration, webhook = integrate("clock", receiver)
    incident = call("POST", integration["url"], {"summary": "time", "id": "time"})["result"]["incident"]["id"]
    until("the first delivery", lambda: receiver.heard("incident.created", incident))
    stranded_delivery_moves(stack, receiver, webhook)
    snooze_ends(stack, incident)


if __name__ == "__main__":
    main()
