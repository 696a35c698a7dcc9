package report

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"cross-account-s3/policy"
)

func TestJSON(t *testing.T) {
	if got, want := write(t, JSON, Report{FailOn: policy.Low}, Options{}), `{
  "verdict": "pass",
  "findings": [],
  "excepted": [],
  "sources": [],
  "failures": []
}
`; got != want {
		t.Errorf("an empty report is\n%s, want\n%s", got, want)
	}
	for name, r := range reports() {
		var read struct {
			Verdict Verdict
			Report
		}
		if err := json.Unmarshal([]byte(write(t, JSON, r, Options{})), &read); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if read.Verdict != r.Verdict() {
			t.Errorf("%s: verdict %s, want %s", name, read.Verdict, r.Verdict())
		}
		if len(r.Findings) > 0 && !reflect.DeepEqual(read.Findings, r.Findings) {
			t.Errorf("%s: the findings read again are\n%v, want\n%v", name, read.Findings, r.Findings)
		}
		if len(r.Excepted) > 0 && !reflect.DeepEqual(read.Excepted, r.Excepted) {
			t.Errorf("%s: the exceptions read again are\n%v, want\n%v", name, read.Excepted, r.Excepted)
		}
	}
}

func TestJSONHostile(t *testing.T) {
	text := write(t, JSON, hostileReport(), Options{})
	for _, forbidden := range []string{"\x1b", "\r", "\x00", "<script>", "\u2028"} {
		if strings.Contains(text, forbidden) {
			t.Errorf("it has %q:\n%s", forbidden, text)
		}
	}
	var read Report
	if err := json.Unmarshal([]byte(text), &read); err != nil {
		t.Fatal(err)
	}
	if got, want := read.Findings[0].Message, strings.ToValidUTF8(hostile, "\ufffd"); got != want {
		t.Errorf("the message read again is\n%q, want\n%q", got, want)
	}
}
