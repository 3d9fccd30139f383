"""Makes one thing of each kind through the API and prints their ids as shell variables."""

import json
import os
import sys
import time
import urllib.request

URL = os.environ["OPSKNIGHT_URL"]
KEY = os.environ["OPSKNIGHT_KEY"]


def call(method: str, path: str, body: dict | None = None) -> dict:
    request = urllib.request.Request(
        path if path.startswith("http") else URL + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def main() -> None:
    service = call("POST", "/api/services", {"name": "fuzzed"})["service"]["id"]
    kinds = {"POST": "webhook", "GET": "uptimerobot", "PUT": "grafana", "ROUTED": "pagerduty", "VICTOROPS": "splunk-oncall"}
    for name, kind in kinds.items():
        body = {"type": kind, "name": kind, "rateLimitPerMinute": 100_000}
        made = call("POST", f"/api/services/{service}/integrations", body)["integration"]
        print(f"INTEGRATION_{name}={made['id']}")
        print(f"KEY_{name}={made['key']}")
    webhook = call(
        "POST",
        "/api/status-page/webhooks",
        {"name": "inbox", "url": f"{URL}/dev/inbox", "events": ["incident.created"], "filter": {"serviceIds": [service]}},
    )["webhook"]["id"]
    incident = call("POST", "/api/incidents", {"title": "fuzzed", "serviceId": service, "urgency": "LOW"})["incident"]["id"]
    print(f"SERVICE={service}\nWEBHOOK={webhook}\nINCIDENT={incident}")
    for _ in range(100):
        found = call("GET", f"/api/status-page/webhooks/{webhook}/deliveries")["deliveries"]
        if found:
            print(f"DELIVERY={found[0]['id']}")
            return
        time.sleep(0.1)
    sys.exit("no delivery")


main()
