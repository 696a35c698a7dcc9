package report

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"cross-account-s3/policy"
)

// sarifRun writes the report, holds it to the schema, and reads it again.
func sarifRun(t *testing.T, r Report, options Options) *sarif.Run {
	t.Helper()
	log, err := sarif.FromString(write(t, SARIF, r, options))
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Validate(); err != nil {
		t.Errorf("it is not SARIF 2.1.0: %v", err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 {
		t.Fatalf("version %s, %d runs", log.Version, len(log.Runs))
	}
	return log.Runs[0]
}

func TestSARIF(t *testing.T) {
	all := reports()
	all["empty"], all["hostile"] = Report{}, hostileReport()
	for name, r := range all {
		t.Run(name, func(t *testing.T) {
			run := sarifRun(t, r, Options{Rules: rules})
			invocation := run.Invocations[0]
			if *invocation.ExecutionSuccessful != (len(r.Failures) == 0) || len(invocation.ToolExecutionNotifications) != len(r.Failures) {
				t.Errorf("successful: %t, with %d notifications", *invocation.ExecutionSuccessful, len(invocation.ToolExecutionNotifications))
			}
			if len(run.Results) != len(r.Findings)+len(r.Excepted) {
				t.Fatalf("%d results", len(run.Results))
			}
			seen := map[string]bool{}
			for i, result := range run.Results {
				if suppressed := len(result.Suppressions) == 1; suppressed != (i >= len(r.Findings)) {
					t.Errorf("result %d is suppressed: %t", i, suppressed)
				}
				if rule := run.Tool.Driver.Rules[result.RuleIndex]; *rule.ID != *result.RuleID {
					t.Errorf("result %d is of rule %s, its index of %s", i, *result.RuleID, *rule.ID)
				}
				physical := result.Locations[0].PhysicalLocation
				uri, err := url.Parse(*physical.ArtifactLocation.URI)
				if err != nil || uri.IsAbs() || strings.HasPrefix(uri.Path, "/") || *physical.ArtifactLocation.URIBaseID != "%SRCROOT%" || *physical.Region.StartLine < 1 {
					t.Errorf("result %d is at %v", i, physical)
				}
				known := result.PartialFingerprints["primaryLocationLineHash"]
				if known == "" || seen[known] {
					t.Errorf("result %d has the fingerprint %q", i, known)
				}
				seen[known] = true
			}
			for _, rule := range run.Tool.Driver.Rules {
				if *rule.Help.Markdown == "" || *rule.Help.Text == "" || *rule.ShortDescription.Text == "" {
					t.Errorf("rule %s has no help", *rule.ID)
				}
			}
		})
	}
}

// TestSARIFSeverity says how a rule is rated: by itself, or else by the worst of its findings.
func TestSARIFSeverity(t *testing.T) {
	of := func(rule string, severity policy.Severity) policy.Finding {
		return policy.Finding{Rule: rule, Severity: severity}
	}
	r := Report{
		Findings: []policy.Finding{of("found", policy.Medium), of("found", policy.Critical), of("found", policy.Low), of("rated", policy.Critical), of("new", policy.Medium)},
		Excepted: []policy.Excepted{{Finding: of("excepted", policy.Low)}},
	}
	run := sarifRun(t, r, Options{Rules: []Rule{{ID: "rated", Title: "Rated", Severity: policy.High}, {ID: "found", Title: "Found"}, {ID: "quiet", Title: "Quiet"}}})
	var got []string
	for _, rule := range run.Tool.Driver.Rules {
		got = append(got, fmt.Sprintf("%s %v %s", *rule.ID, rule.Properties.Properties["security-severity"], rule.DefaultConfiguration.Level))
	}
	if want := "rated 8.0 error, found 9.5 error, quiet <nil> note, new 5.5 warning, excepted 2.0 note"; strings.Join(got, ", ") != want {
		t.Errorf("the rules are %s, want %s", strings.Join(got, ", "), want)
	}
	var levels []string
	for _, result := range run.Results {
		levels = append(levels, result.Level)
	}
	if want := "warning error note error warning note"; strings.Join(levels, " ") != want {
		t.Errorf("the levels are %s, want %s", strings.Join(levels, " "), want)
	}
}

// TestFingerprint says what a finding is known by.
func TestFingerprint(t *testing.T) {
	base := finding[policy.Critical]
	for name, test := range map[string]struct {
		change func(*policy.Finding)
		same   bool
	}{
		"another message":          {func(f *policy.Finding) { f.Message = "other words" }, true},
		"another severity":         {func(f *policy.Finding) { f.Severity, f.Blocking = policy.Low, false }, true},
		"another witness":          {func(f *policy.Finding) { f.Witness = nil }, true},
		"the statement moved":      {func(f *policy.Finding) { f.Statement = &policy.FindingStatement{Index: 7, Sid: "Read"} }, true},
		"another statement":        {func(f *policy.Finding) { f.Statement = &policy.FindingStatement{Index: 1, Sid: "Write"} }, false},
		"a statement without Sid":  {func(f *policy.Finding) { f.Statement = &policy.FindingStatement{Index: 1} }, false},
		"no statement":             {func(f *policy.Finding) { f.Statement = nil }, false},
		"another rule":             {func(f *policy.Finding) { f.Rule = "other" }, false},
		"another resource":         {func(f *policy.Finding) { f.URN = roleURN }, false},
		"another stack":            {func(f *policy.Finding) { f.Stack = "account-c" }, false},
		"text moved between parts": {func(f *policy.Finding) { f.Rule, f.Stack = f.Rule+" "+f.Stack, "" }, false},
	} {
		changed := base
		test.change(&changed)
		if same := fingerprint(changed) == fingerprint(base); same != test.same {
			t.Errorf("%s: the same is %t", name, same)
		}
	}
	run := sarifRun(t, Report{Findings: []policy.Finding{base, base}}, Options{})
	first, second := run.Results[0].PartialFingerprints["primaryLocationLineHash"], run.Results[1].PartialFingerprints["primaryLocationLineHash"]
	if first != fingerprint(base)+":1" || second != fingerprint(base)+":2" {
		t.Errorf("two findings in one statement have the fingerprints %s and %s", first, second)
	}
}

func TestSARIFLocation(t *testing.T) {
	for location, want := range map[string]string{
		"stacks/a.yaml": "stacks/a.yaml", "a b/100%.yaml": "a%20b/100%25.yaml", "a:b": "./a:b", "a#b?c": "a%23b%3Fc",
	} {
		run := sarifRun(t, Report{Findings: []policy.Finding{finding[policy.High]}}, Options{Location: func(string) string { return location }})
		if got := *run.Results[0].Locations[0].PhysicalLocation.ArtifactLocation.URI; got != want {
			t.Errorf("%q is %q, want %q", location, got, want)
		}
	}
}

func TestSARIFMessage(t *testing.T) {
	if got, want := *sarifMessage(`[go](https://example.com) \d ${aws:username}`).Text, `\[go\](https://example.com) \\d ${aws:username}`; got != want {
		t.Errorf("the message is %s, want %s", got, want)
	}
	run := sarifRun(t, Report{Findings: []policy.Finding{finding[policy.High]}}, Options{Rules: rules})
	for _, want := range []string{"Not every request over plain http is denied", "\nrequest: anonymous may s3:GetObject on arn:aws:s3:::", "\nmend: Deny s3:*"} {
		if text := *run.Results[0].Message.Text; !strings.Contains(text, want) {
			t.Errorf("the message has no %q:\n%s", want, text)
		}
	}
	if got, want := *run.Tool.Driver.Rules[1].HelpURI, "https://example.com/rules#secure-transport"; got != want {
		t.Errorf("help is at %s, want %s", got, want)
	}
	if run.Tool.Driver.Rules[0].HelpURI != nil {
		t.Errorf("help is at %s, which is nowhere", *run.Tool.Driver.Rules[0].HelpURI)
	}
}
