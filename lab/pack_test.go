package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cross-account-s3/policy"
	"cross-account-s3/report"
)

// packArgs are the arguments of a pulumi command on a stack that is judged by the policy pack.
func packArgs(t *testing.T, stack string, args ...string) []string {
	t.Helper()
	pack, err := filepath.Abs(filepath.Join(project, "policypack"))
	if err != nil {
		t.Fatal(err)
	}
	args = append(args, "--stack", stack, "--policy-pack", pack)
	if args[0] == "policy" {
		return args
	}
	return append(args, "--non-interactive", "--color", "never")
}

// The policy pack has nothing to say against the project itself: at preview, at up, when nothing changes, and of what is deployed.
func TestPackPassesTheProject(t *testing.T) {
	l := startLab(t, Options{})
	for _, stack := range []string{ComputeStack, DataStack} {
		for _, args := range [][]string{{"preview"}, {"up", "--yes"}, {"up", "--yes", "--expect-no-changes"}, {"policy", "analyze"}} {
			output := l.mustPulumi(t, packArgs(t, stack, args...)...)
			if passed := strings.Count(output, "✅ cross-account-s3@v"); passed == 0 || passed != strings.Count(output, "Policies:") {
				t.Errorf("pulumi %s does not say that the pack lets it pass:\n%s", strings.Join(args, " "), output)
			}
		}
	}
}

// Without the guard, the policy pack refuses a policy that is wrong by itself: at preview, and at up before there is anything of it. It says
// what the gate says of the preview, and lets pass what an exception covers.
func TestPackRefusesPolicy(t *testing.T) {
	l, violation, gate := startUnguarded(t, "trusted-by-everybody")
	before := l.World().Inventory()
	preview := packArgs(t, violation.Stack, "preview")
	said := l.refused(t, preview...)
	expectFindings(t, gate, "mandatory", said)
	expectShown(t, said)
	expectFindings(t, gate, "mandatory", l.refused(t, packArgs(t, violation.Stack, "up", "--yes", "--skip-preview")...))
	if after := l.World().Inventory(); !slices.Equal(before, after) {
		t.Errorf("there was %q, and is %q", before, after)
	}

	exceptions := "exceptions:\n"
	for _, one := range regexp.MustCompile(`known as\s+fingerprint (sha256:[0-9a-f]{32}) of (urn:\S+)`).FindAllStringSubmatch(said, -1) {
		exceptions += fmt.Sprintf("  - {rule: %s, resource: %q, fingerprint: %q, owner: a team, reason: A migration, expires: 9999-12-31}\n",
			violation.Rule, one[2], one[1])
	}
	for text, want := range map[string]string{
		exceptions:         "✅ cross-account-s3@v",
		"exceptions: none": "policy pack: exceptions.yaml: line 1: the exceptions are not a list",
	} {
		if err := os.WriteFile(filepath.Join(l.Directory(), "exceptions.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		output, err := l.Pulumi(t.Context(), preview...)
		if passes := err == nil; passes != (text == exceptions) || !strings.Contains(output+fmt.Sprint(err), want) {
			t.Errorf("with %s\npulumi preview says %s %v, want %s", text, output, err, want)
		}
	}
}

// What the pack refuses of the stack as a whole it refuses at preview, at the end of up, and of what is deployed; unless somebody has set
// the rule to advise only.
func TestPackRefusesStack(t *testing.T) {
	l, violation, gate := startUnguarded(t, "public-policies")
	preview := packArgs(t, violation.Stack, "preview")
	for _, args := range [][]string{
		preview, packArgs(t, violation.Stack, "up", "--yes", "--skip-preview"), packArgs(t, violation.Stack, "policy", "analyze"),
	} {
		expectFindings(t, gate, "mandatory", l.refused(t, args...))
	}
	settings := filepath.Join(t.TempDir(), "settings.json")
	if err := os.WriteFile(settings, []byte(`{"all": "disabled", "`+violation.Rule+`": "advisory"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	expectFindings(t, gate, "advisory", l.mustPulumi(t, append(preview, "--policy-pack-config", settings)...))
}

// A policy that is not known at preview is told there, as the gate tells it, and refused at up before it is created.
func TestPackWaitsForPolicy(t *testing.T) {
	l, violation, gate := startUnguarded(t, "everybody", [3]string{
		"components/shared_bucket.go", "Policy: pulumi.String(document)",
		"Policy: bucket.Arn.ApplyT(func(string) string { return document }).(pulumi.StringOutput)",
	})
	if len(gate) != 1 || gate[0].Rule != "undetermined" {
		t.Fatalf("the gate says of the preview %+v", gate)
	}
	said := l.mustPulumi(t, packArgs(t, violation.Stack, "preview")...)
	expectFindings(t, gate, "advisory", said)
	if !strings.Contains(said, "up judges it before it is created") {
		t.Errorf("nothing tells that up judges it:\n%s", said)
	}
	if said := l.refused(t, packArgs(t, violation.Stack, "up", "--yes")...); !strings.Contains(said, "[mandatory] [severity: critical]  "+violation.Rule) {
		t.Errorf("up does not tell of %s:\n%s", violation.Rule, said)
	}
	state := l.mustPulumi(t, "stack", "export", "--stack", violation.Stack)
	if !strings.Contains(state, "aws:s3/bucketV2:BucketV2") || strings.Contains(state, "aws:s3/bucketPolicy:BucketPolicy") {
		t.Errorf("there should be a bucket, and no policy:\n%s", state)
	}
}

// startUnguarded starts a lab with a violation, and more changes to its sources (file, old and new text), where the guard only warns; and
// returns what the gate finds in the preview of the violation's stack.
func startUnguarded(t *testing.T, name string, changes ...[3]string) (*Lab, violation, []policy.Finding) {
	t.Helper()
	violation := readViolation(t, filepath.Join(project, "examples", "violations", name+".json"))
	directory := violation.project(t)
	for _, change := range changes {
		replaceOnce(t, filepath.Join(directory, change[0]), change[1], change[2])
	}
	l := startLabOf(t, directory)
	if violation.Stack == DataStack {
		l.mustUp(t, ComputeStack)
	}
	l.mustPulumi(t, "config", "set", "guard", "advisory", "--stack", violation.Stack)
	rules, err := policy.NewRules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	judged, err := rules.Check(t.Context(), readStack(t, l.mustPulumi(t, "preview", "--stack", violation.Stack, "--json", "--show-sames")))
	if err != nil {
		t.Fatal(err)
	}
	if len(judged.Findings) == 0 {
		t.Fatal("the gate finds nothing")
	}
	return l, violation, judged.Findings
}

// expectShown expects that a command says what docs/policy-pack.md shows of it.
func expectShown(t *testing.T, output string) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(project, "docs", "policy-pack.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(page), "(local: policypack)\n")
	shown, _, found := strings.Cut(shown, "\nDiagnostics:")
	if !found || !strings.Contains(unindented(output), unindented(shown)) {
		t.Errorf("docs/policy-pack.md shows\n%s\nand pulumi says\n%s", shown, output)
	}
}

// expectFindings expects that the output of a pulumi command has the findings and no others, as it shows violations of a policy pack.
func expectFindings(t *testing.T, findings []policy.Finding, level, output string) {
	t.Helper()
	told := unindented(output)
	for _, finding := range findings {
		said := fmt.Sprintf("[%s] [severity: %s]  %s  (", level, finding.Severity, finding.Rule)
		if !strings.Contains(told, said) || !strings.Contains(told, unindented(report.Explain(finding))) {
			t.Errorf("nothing says\n%s…)\n%s\nin\n%s", said, report.Explain(finding), output)
		}
	}
	if got := strings.Count(told, "[severity: "); got != len(findings) {
		t.Errorf("there are %d findings, want %d:\n%s", got, len(findings), output)
	}
}
