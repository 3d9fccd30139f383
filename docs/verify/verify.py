#!/usr/bin/env python3
"""Verifies a delivery of OpsKnight Webhooks. Needs nothing but Python 3.8.

    python3 verify.py SECRET HEADERS_FILE BODY_FILE

The headers file has a line "name: value" for each header, the body file the
body's bytes as they arrived. Prints "valid", or "invalid" and exits with 1.
"""

import base64
import binascii
import hashlib
import hmac
import sys
import time


def verify(secret: str, headers: dict, body: bytes, tolerance: int = 300) -> bool:
    """headers: names in lower case; body: the raw bytes, not parsed JSON."""
    key = secret.encode()
    if secret.startswith("whsec_"):
        try:
            key = base64.b64decode(secret[len("whsec_"):], validate=True)
        except binascii.Error:
            pass  # not a generated secret: its text is the key
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > tolerance:
        return False  # an old delivery, sent again by somebody else
    signed = f"{headers.get('webhook-id', '')}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    # While a secret is being rotated there is one signature for each.
    given = headers.get("webhook-signature", "").split(" ")
    return any([hmac.compare_digest(expected.encode(), one.encode()) for one in given])


def main(secret: str, headers_file: str, body_file: str) -> int:
    headers = {}
    with open(headers_file, encoding="utf-8") as lines:
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
    with open(body_file, "rb") as file:
        valid = verify(secret, headers, file.read())
    print("valid" if valid else "invalid")
    return 0 if valid else 1


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
