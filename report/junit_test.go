package report

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"cross-account-s3/policy"
)

// readJUnit writes the report and reads it again.
func readJUnit(t *testing.T, r Report, options Options) junit.Testsuites {
	t.Helper()
	var suites junit.Testsuites
	if err := xml.Unmarshal([]byte(write(t, JUnit, r, options)), &suites); err != nil {
		t.Fatal(err)
	}
	return suites
}

func outcome(test junit.Testcase) string {
	switch {
	case test.Error != nil:
		return "error"
	case test.Failure != nil:
		return "failure"
	case test.Skipped != nil:
		return "skipped"
	default:
		return "passed"
	}
}

func TestJUnit(t *testing.T) {
	blocks, passes := finding[policy.High], finding[policy.High]
	passes.Blocking = false
	elsewhere := blocks
	elsewhere.URN, elsewhere.Stack = roleURN, "account-a"
	excepted := []policy.Excepted{{Finding: blocks}}
	for name, test := range map[string]struct {
		report Report
		want   []string
	}{
		"nothing":  {Report{Sources: sources}, []string{"account-a/preview previews/a.json passed", "account-b/state b.json passed"}},
		"blocks":   {Report{Findings: []policy.Finding{blocks}}, []string{"account-b/secure-transport: shared (BucketPolicy, account-b) failure"}},
		"passes":   {Report{Findings: []policy.Finding{passes}}, []string{"account-b/secure-transport: shared (BucketPolicy, account-b) passed"}},
		"excepted": {Report{Excepted: excepted}, []string{"account-b/secure-transport: shared (BucketPolicy, account-b) skipped"}},
		"several in one": {
			Report{Findings: []policy.Finding{passes, blocks}, Excepted: excepted}, []string{"account-b/secure-transport: shared (BucketPolicy, account-b) failure"},
		},
		"one of two excepted, the other not blocking": {
			Report{Findings: []policy.Finding{passes}, Excepted: excepted}, []string{"account-b/secure-transport: shared (BucketPolicy, account-b) passed"},
		},
		"several resources": {
			Report{Findings: []policy.Finding{blocks, elsewhere}},
			[]string{"account-a/secure-transport: compute (Role, account-a) failure", "account-b/secure-transport: shared (BucketPolicy, account-b) failure"},
		},
		"no stack": {Report{Findings: []policy.Finding{finding[policy.Medium]}}, []string{"all stacks/one-sided-grant: all stacks failure"}},
		"failures": {Report{Failures: []string{"x", "y"}}, []string{"failures/failure 1 error", "failures/failure 2 error"}},
	} {
		t.Run(name, func(t *testing.T) {
			suites := readJUnit(t, test.report, Options{Rules: rules})
			var got []string
			counts := map[string]int{}
			for _, suite := range suites.Suites {
				for _, c := range suite.Testcases {
					got = append(got, fmt.Sprintf("%s/%s %s", suite.Name, c.Name, outcome(c)))
					counts[outcome(c)]++
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("the cases are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
			if suites.Tests != len(got) || suites.Failures != counts["failure"] || suites.Errors != counts["error"] || suites.Skipped != counts["skipped"] {
				t.Errorf("the totals are wrong: %+v", suites)
			}
		})
	}
}

func TestJUnitText(t *testing.T) {
	blocks := finding[policy.High]
	failure := readJUnit(t, Report{Findings: []policy.Finding{blocks}}, Options{Rules: rules}).Suites[0].Testcases[0].Failure
	if failure.Message != blocks.Message || failure.Type != "high" {
		t.Errorf("the failure is %q, of type %q", failure.Message, failure.Type)
	}
	for _, want := range []string{"Secure transport\nPlain http can be read on its way.\n", "request    anonymous may s3:GetObject on ", "mend       Deny s3:*"} {
		if !strings.Contains(failure.Data, want) {
			t.Errorf("the failure has no %q:\n%s", want, failure.Data)
		}
	}
}

func TestJUnitHostile(t *testing.T) {
	// What the decoder reads again it has found well-formed: characters that XML has not, and ends of CDATA, are errors.
	suites := readJUnit(t, hostileReport(), Options{})
	if len(suites.Suites) != 2 || suites.Suites[0].Tests != 2 || suites.Suites[0].Name != plain(hostile) {
		t.Fatalf("it has broken out: %+v", suites)
	}
	failure := suites.Suites[0].Testcases[1].Failure
	if failure.Message != plain(hostile) || !strings.Contains(failure.Data, "mend       "+plain(hostile)+"\n") {
		t.Errorf("the failure is %q:\n%s", failure.Message, failure.Data)
	}
}
