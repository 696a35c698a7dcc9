package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"cross-account-s3/policy"
)

// What the guard refuses it lets pass with an exception that is made of what it says, and the gate says the same of what was deployed.
func TestExceptionsLetPass(t *testing.T) {
	violation := readViolation(t, filepath.Join(project, "examples", "violations", "whole-account.json"))
	directory := violation.project(t)
	path := filepath.Join(directory, "exceptions.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("exceptions: []\n") // The lab shows the files that are there when it begins.
	l := startLabOf(t, directory)
	l.mustUp(t, ComputeStack)

	up := []string{"up", "--yes", "--skip-preview", "--stack", violation.Stack, "--non-interactive", "--color", "never"}
	entry := "  - {rule: %s, resource: %q, fingerprint: %q, owner: storage team, reason: A migration, expires: %s}\n"
	exceptions := map[string]string{"9999-12-31": "exceptions:\n", "2020-12-31": "exceptions:\n"}
	found := regexp.MustCompile(`known as\s+fingerprint (sha256:[0-9a-f]{32}) of (urn:\S+)`).FindAllStringSubmatch(l.refused(t, up...), -1)
	if len(found) == 0 {
		t.Fatal("the guard does not say what an exception would be of")
	}
	for _, one := range found {
		for expires := range exceptions {
			exceptions[expires] += fmt.Sprintf(entry, violation.Rule, one[2], one[1], expires)
		}
	}

	write(exceptions["2020-12-31"])
	l.refused(t, up...)
	write(exceptions["9999-12-31"])
	l.mustPulumi(t, up...)

	reviewed, err := policy.ReadExceptionsFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := policy.NewRules(t.Context(), reviewed...)
	if err != nil {
		t.Fatal(err)
	}
	judged, err := rules.Check(t.Context(), readStack(t, l.mustPulumi(t, "stack", "export", "--stack", violation.Stack)))
	if err != nil || len(judged.Findings) > 0 || len(judged.Excepted) == 0 {
		t.Errorf("%+v %v", judged, err)
	}
}
