// Verifies a delivery of OpsKnight Webhooks. Needs nothing but Go 1.18.
//
//	go run verify.go SECRET HEADERS_FILE BODY_FILE
//
// The headers file has a line "name: value" for each header, the body file the
// body's bytes as they arrived. Prints "valid", or "invalid" and exits with 1.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// Verify takes the body's raw bytes, not parsed JSON.
func Verify(secret string, headers http.Header, body []byte, tolerance time.Duration) bool {
	key := []byte(secret)
	if encoded := strings.TrimPrefix(secret, "whsec_"); encoded != secret {
		// Not a generated secret: its text is the key.
		if decoded, err := base64.StdEncoding.Strict().DecodeString(encoded); err == nil {
			key = decoded
		}
	}
	timestamp := headers.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return false
	}
	// An old delivery may be sent again by somebody else.
	if age := time.Since(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(headers.Get("webhook-id") + "." + timestamp + "."))
	mac.Write(body)
	expected := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	// While a secret is being rotated there is one signature for each.
	valid := false
	for _, given := range strings.Split(headers.Get("webhook-signature"), " ") {
		valid = hmac.Equal([]byte(given), []byte(expected)) || valid
	}
	return valid
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: verify SECRET HEADERS_FILE BODY_FILE")
		os.Exit(2)
	}
	lines, err := os.ReadFile(os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	body, err := os.ReadFile(os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	headers := http.Header{}
	for _, line := range strings.Split(string(lines), "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			headers.Set(strings.TrimSpace(name), strings.TrimSpace(value))
		}
	}
	if !Verify(os.Args[1], headers, body, 5*time.Minute) {
		fmt.Println("invalid")
		os.Exit(1)
	}
	fmt.Println("valid")
}
