package lab

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cross-account-s3/policy"
	"cross-account-s3/report"
)

// The rules have nothing to say against the project itself, neither before it is deployed nor after, and say the same of a preview as of
// the state that comes of it.
func TestRulesPassTheProject(t *testing.T) {
	l := startLab(t, Options{})
	rules, err := policy.NewRules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var previews, states []policy.File
	for _, stack := range []string{ComputeStack, DataStack} {
		previews = append(previews, readStack(t, l.mustPulumi(t, "preview", "--stack", stack, "--json", "--show-sames")))
		l.mustUp(t, stack)
		states = append(states, readStack(t, l.mustPulumi(t, "stack", "export", "--stack", stack)))
	}
	for name, files := range map[string][]policy.File{"previews": previews, "states": states} {
		judged, err := rules.Check(t.Context(), files...)
		if err != nil || len(judged.Findings) > 0 || judged.Policies[ComputeStack] != 3 || judged.Policies[DataStack] != 1 {
			t.Errorf("%s: %+v %v", name, judged, err)
		}
	}
}

func readStack(t *testing.T, text string) policy.File {
	t.Helper()
	stack, err := policy.ReadStack("stack", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return stack.File
}

// Each violation of examples/violations is refused by the rule that it is meant for, in all three places: by the guard before anything of
// it exists, and by the gate, given the preview or the state of the same program with a guard that only warns. All say the same of it.
func TestViolationsAreRefused(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(project, "examples", "violations", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no violations: %v", err)
	}
	rules, err := policy.NewRules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			violation := readViolation(t, file)
			l := startLabOf(t, violation.project(t))
			if violation.Stack == DataStack {
				l.mustUp(t, ComputeStack)
			}
			before := l.World().Inventory()
			for _, args := range [][]string{{"preview"}, {"up", "--yes"}} {
				output := l.refused(t, append(args, "--stack", violation.Stack, "--non-interactive", "--color", "never")...)
				if !strings.Contains(output, "  "+violation.Rule+"  ") {
					t.Errorf("pulumi %s does not tell of %s:\n%s", args[0], violation.Rule, output)
				}
			}
			if after := l.World().Inventory(); !slices.Equal(before, after) {
				t.Errorf("there was %q, and is %q", before, after)
			}

			l.mustPulumi(t, "config", "set", "guard", "advisory", "--stack", violation.Stack)
			preview := l.mustPulumi(t, "preview", "--stack", violation.Stack, "--json", "--show-sames")
			up := l.mustPulumi(t, "up", "--yes", "--skip-preview", "--stack", violation.Stack, "--non-interactive", "--color", "never")
			want := blocking(t, rules, preview)
			if !strings.Contains(want, "  "+violation.Rule+"  ") {
				t.Errorf("the gate does not find %s in the preview:\n%s", violation.Rule, want)
			}
			if got := blocking(t, rules, l.mustPulumi(t, "stack", "export", "--stack", violation.Stack)); got != want {
				t.Errorf("the gate says of the state\n%s\nwhere it said of the preview\n%s", got, want)
			}
			// The CLI indents what programs say.
			if !strings.Contains(unindented(up), unindented(want)) {
				t.Errorf("the guard says\n%s\nwhere the gate says\n%s", up, want)
			}
		})
	}
}

// violation is one of examples/violations: a change to a source that makes a stack of it one that a rule refuses.
type violation struct{ About, Stack, File, Old, New, Rule string }

func readViolation(t *testing.T, path string) (v violation) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// project is a copy of the project with the violation.
func (v violation) project(t *testing.T) string {
	t.Helper()
	directory := copyProject(t)
	replaceOnce(t, filepath.Join(directory, v.File), v.Old, v.New)
	return directory
}

// replaceOnce changes the one place of a file that has a text.
func replaceOnce(t *testing.T, path, before, after string) {
	t.Helper()
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(source), before) != 1 {
		t.Fatalf("%s does not have %q once", path, before)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(source), before, after, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// refused runs a command that has to fail, and returns what it says.
func (l *Lab) refused(t *testing.T, args ...string) string {
	t.Helper()
	_, err := l.Pulumi(t.Context(), args...)
	var failed *PulumiError
	if !errors.As(err, &failed) {
		t.Errorf("pulumi %s: %v, want a failure", strings.Join(args, " "), err)
		return ""
	}
	return failed.Output
}

// blocking is what a check says of a stack, in the words of the guard: the text of a report of what blocks.
func blocking(t *testing.T, rules *policy.Rules, text string) string {
	t.Helper()
	judged, err := rules.Check(t.Context(), readStack(t, text))
	if err != nil {
		t.Fatal(err)
	}
	var refused report.Report
	for _, finding := range judged.Findings {
		if finding.Blocking {
			refused.Findings = append(refused.Findings, finding)
		}
	}
	var said bytes.Buffer
	if err := report.Write(&said, report.Text, refused, report.Options{}); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(said.String())
}

func unindented(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}

// copyProject copies the project's sources.
func copyProject(t testing.TB) string {
	t.Helper()
	directory := t.TempDir()
	for _, name := range []string{"components", "handler", "policy", "report", "tools"} {
		if err := os.CopyFS(filepath.Join(directory, name), os.DirFS(filepath.Join(project, name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, pattern := range []string{"*.go", "go.*", "Pulumi*.yaml", "policies.rego"} {
		files, err := filepath.Glob(filepath.Join(project, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(directory, filepath.Base(file)), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return directory
}
