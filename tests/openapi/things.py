"""Makes one thing of each kind through the API, and fills their ids into the configuration of
schemathesis: with ids of its own it would find nothing."""

import json
import os
import string
import sys
import time
import urllib.request

URL = os.environ["OPSKNIGHT_URL"]
KEY = os.environ["OPSKNIGHT_KEY"]


def call(method: str, path: str, body: dict | None = None) -> dict:
    request = urllib.request.Request(
        URL + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def integration(service: str, kind: str) -> dict:
    body = {"type": kind, "name": kind, "rateLimitPerMinute": 100_000}
    return call("POST", f"/api/services/{service}/integrations", body)["integration"]


def delivery(webhook: str) -> str:
    for _ in range(100):
        found = call("GET", f"/api/status-page/webhooks/{webhook}/deliveries")["deliveries"]
        if found:
            return found[0]["id"]
        time.sleep(0.1)
    sys.exit("no delivery")


def things() -> dict[str, str]:
    service = call("POST", "/api/services", {"name": "fuzzed"})["service"]["id"]
    # What is fuzzed as a setting is not what alerts are sent with.
    senders = call("POST", "/api/services", {"name": "senders"})["service"]["id"]
    webhook = {
        "name": "inbox",
        "url": f"{URL}/dev/inbox",
        "events": ["incident.created"],
        "filter": {"serviceIds": [service]},
    }
    webhook = call("POST", "/api/status-page/webhooks", webhook)["webhook"]["id"]
    incident = {"title": "fuzzed", "serviceId": service, "urgency": "LOW"}
    incident = call("POST", "/api/incidents", incident)["incident"]["id"]
    key = {"name": "fuzzed", "scopes": ["events:write"]}
    return {
        "SERVICE": service,
        "INTEGRATION": integration(service, "webhook")["id"],
        "WEBHOOK": webhook,
        "DELIVERY": delivery(webhook),
        "INCIDENT": incident,
        "API_KEY": call("POST", "/api/api-keys", key)["apiKey"]["id"],
        "BY_POST": integration(senders, "webhook")["id"],
        "BY_GET": integration(senders, "uptimerobot")["id"],
        "BY_PUT": integration(senders, "grafana")["id"],
        "EVENTS_KEY": integration(senders, "webhook")["key"],
        "ROUTING_KEY": integration(senders, "pagerduty")["key"],
        "VICTOROPS_KEY": integration(senders, "splunk-oncall")["key"],
    }


source, target = sys.argv[1:]
with open(source) as template, open(target, "w") as configuration:
    configuration.write(string.Template(template.read()).substitute(things(), ADMIN_KEY=KEY))
