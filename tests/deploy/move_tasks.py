"""StartMessageMoveTask and ListMessageMoveTasks, which MiniStack's SQS does not have.

A task moves the messages that are visible, each under its group and a deduplication id of its own,
and is done when it is answered.
"""

import time
import uuid

from ministack.services import sqs

TASKS = []


def start(data, _):
    source, destination = queue_url(data["SourceArn"]), queue_url(data["DestinationArn"])
    moved = 0
    while messages := receive(source):
        for message in messages:
            copy = {
                "QueueUrl": destination,
                "MessageBody": message["Body"],
                "MessageGroupId": message["Attributes"]["MessageGroupId"],
                "MessageDeduplicationId": str(uuid.uuid4()),
            }
            sqs._HANDLERS["SendMessage"](copy, destination)
            sqs._HANDLERS["DeleteMessage"]({"QueueUrl": source, "ReceiptHandle": message["ReceiptHandle"]}, source)
            moved += 1
    task = {
        "TaskHandle": str(uuid.uuid4()),
        "Status": "COMPLETED",
        "SourceArn": data["SourceArn"],
        "DestinationArn": data["DestinationArn"],
        "ApproximateNumberOfMessagesMoved": moved,
        "ApproximateNumberOfMessagesToMove": moved,
        "StartedTimestamp": int(time.time() * 1000),
    }
    TASKS.insert(0, task)
    return {"TaskHandle": task["TaskHandle"]}


def listed(data, _):
    of_source = [task for task in TASKS if task["SourceArn"] == data["SourceArn"]]
    return {"Results": of_source[: int(data.get("MaxResults") or 1)]}


def queue_url(arn):
    return sqs._HANDLERS["GetQueueUrl"]({"QueueName": arn.rsplit(":", 1)[1]}, "")["QueueUrl"]


def receive(url):
    # Without waiting the handler is done before it yields: nothing else runs in between.
    request = {"QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 30, "AttributeNames": ["All"]}
    receiving = sqs._HANDLERS["ReceiveMessage"]({**request, "WaitTimeSeconds": 0}, url)
    try:
        receiving.send(None)
    except StopIteration as done:
        return done.value.get("Messages", [])
    raise RuntimeError("a receive that waits")


def install():
    sqs._HANDLERS.update({"StartMessageMoveTask": start, "ListMessageMoveTasks": listed})
