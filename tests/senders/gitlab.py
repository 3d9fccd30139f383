"""A GitLab body signed with the standardwebhooks library, as GitLab signs it."""

import json
import pathlib
import urllib.error
import urllib.request
from datetime import datetime, timezone

from management import expect, incidents, integration
from standardwebhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
payloads = pathlib.Path(__file__).parent.parent / "fixtures/vendors/payloads/gitlab"
service, created = integration("gitlab", signatureSecret=SECRET)


def send(name, secret):
    body = (payloads / name).read_text()
    now = datetime.now(timezone.utc)
    headers = {
        "Content-Type": "application/json",
        "X-Gitlab-Event": "Pipeline Hook",
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", now, body),
    }
    request = urllib.request.Request(created["url"], method="POST", data=body.encode(), headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)["result"]["action"]
    except urllib.error.HTTPError as refused:
        return refused.code, None


expect(send("pipeline.failed.json", "whsec_" + "A" * 32), (401, None))
expect(send("pipeline.failed.json", SECRET), (200, "triggered"))
expect(send("pipeline.success.json", SECRET), (200, "resolved"))
expect([status for _, status, _ in incidents(service)], ["RESOLVED"])
print("standardwebhooks signs what GitLab sends")
