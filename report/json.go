package report

import (
	"encoding/json"

	"cross-account-s3/policy"
)

// renderJSON gives the verdict, and the report as it is.
func renderJSON(r Report, _ Options) ([]byte, error) {
	// What was not found is an empty array, which is read like any other.
	if r.Findings == nil {
		r.Findings = []policy.Finding{}
	}
	if r.Excepted == nil {
		r.Excepted = []policy.Excepted{}
	}
	if r.Sources == nil {
		r.Sources = []Source{}
	}
	if r.Failures == nil {
		r.Failures = []string{}
	}
	text, err := json.MarshalIndent(struct {
		Verdict Verdict `json:"verdict"`
		Report
	}{r.Verdict(), r}, "", "  ")
	return append(text, '\n'), err
}
