package lab

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cross-account-s3/policy"
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

// Each violation of examples/violations is refused by the rule that it is meant for, before anything of it exists.
func TestGuardRefusesViolations(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(project, "examples", "violations", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no violations: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var violation struct{ About, Stack, File, Old, New, Rule string }
			if err := json.Unmarshal(text, &violation); err != nil {
				t.Fatal(err)
			}
			directory := copyProject(t)
			path := filepath.Join(directory, violation.File)
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Count(string(source), violation.Old) != 1 {
				t.Fatalf("%s does not have %q once", violation.File, violation.Old)
			}
			if err := os.WriteFile(path, []byte(strings.Replace(string(source), violation.Old, violation.New, 1)), 0o600); err != nil {
				t.Fatal(err)
			}

			l := startLabOf(t, directory)
			if violation.Stack == DataStack {
				l.mustUp(t, ComputeStack)
			}
			before := l.World().Inventory()
			for _, command := range []string{"preview", "up"} {
				args := []string{command, "--stack", violation.Stack, "--non-interactive", "--color", "never"}
				if command == "up" {
					args = append(args, "--yes", "--skip-preview")
				}
				_, err := l.Pulumi(t.Context(), args...)
				var failed *PulumiError
				if !errors.As(err, &failed) || !strings.Contains(failed.Output, violation.Rule+" (") {
					t.Errorf("pulumi %s: %v, want a finding of %s", command, err, violation.Rule)
				}
			}
			for _, arn := range l.World().Inventory() {
				// What carries no policy may be there by then.
				if !slices.Contains(before, arn) && strings.HasPrefix(arn, "arn:aws:lambda:") {
					t.Errorf("%s was made", arn)
				}
			}
			if _, err := l.World().BucketPolicy(l.Settings.BucketName); err == nil {
				t.Error("the bucket has the policy")
			}
		})
	}
}

// copyProject copies the project's sources.
func copyProject(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	for _, name := range []string{"components", "handler", "policy", "tools"} {
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
