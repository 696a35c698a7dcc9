package policy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ruleExamples is the directory of the good and bad example of each rule; its README says how they are kept.
const ruleExamples = "../examples/rules"

// ruleExample is a good or a bad example of a rule.
type ruleExample struct {
	rule string
	good bool
	// paths are the files to be judged together, exceptions that of the exceptions, empty where there are none.
	paths      []string
	exceptions string
}

func (e ruleExample) name() string {
	if e.good {
		return e.rule + "/good"
	}
	return e.rule + "/bad"
}

// ruleExamplesOnDisk are the two examples of each rule.
func ruleExamplesOnDisk(t *testing.T) []ruleExample {
	t.Helper()
	var examples []ruleExample
	for _, rule := range testRules(t).List() {
		if rule.ID == canaryRule {
			continue // Broken rules are what it finds; policies_test.rego breaks them.
		}
		for _, good := range []bool{true, false} {
			example := ruleExample{rule: rule.ID, good: good}
			beginning := filepath.Join(ruleExamples, filepath.FromSlash(example.name()))
			for _, pattern := range []string{".json", "-[a-z].json"} {
				found, err := filepath.Glob(beginning + pattern)
				if err != nil {
					t.Fatal(err)
				}
				example.paths = append(example.paths, found...)
			}
			if len(example.paths) == 0 {
				t.Errorf("the rule %s has no example %s.json", rule.ID, beginning)
				continue
			}
			if _, err := os.Stat(beginning + ".yaml"); err == nil {
				example.exceptions = beginning + ".yaml"
			}
			examples = append(examples, example)
		}
	}
	return examples
}

// judge judges an example as gate check does. One file alone has no name, as for OPA.
func (e ruleExample) judge(t *testing.T) (Judgement, error) {
	t.Helper()
	rules := testRules(t)
	if e.exceptions != "" {
		exceptions, err := ReadExceptions(e.exceptions, opened(t, e.exceptions))
		if err != nil {
			t.Fatal(err)
		}
		if rules, err = NewRules(t.Context(), exceptions...); err != nil {
			t.Fatal(err)
		}
	}
	var files []File
	for _, path := range e.paths {
		stack, err := ReadStack(path, opened(t, path))
		if err != nil {
			return Judgement{}, err
		}
		if len(e.paths) == 1 {
			stack.Path = ""
		}
		files = append(files, stack.File)
	}
	return rules.Check(t.Context(), files...)
}

func opened(t *testing.T, path string) *os.File {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	})
	return file
}

// The bad example of a rule is found by that rule and no other, and the good one by none.
func TestExamplesOfRules(t *testing.T) {
	for _, example := range ruleExamplesOnDisk(t) {
		t.Run(example.name(), func(t *testing.T) {
			judged, err := example.judge(t)
			if err != nil {
				t.Fatal(err)
			}
			var found []string
			for _, finding := range judged.Findings {
				found = append(found, finding.Rule)
				if example.good || finding.Rule != example.rule {
					t.Errorf("%s: %s (fingerprint %s)", finding.Rule, finding.Message, finding.Fingerprint)
				}
			}
			if !example.good && !slices.Contains(found, example.rule) {
				t.Errorf("%s does not find it", example.rule)
			}
		})
	}
}

// What stands in the directory belongs to a rule.
func TestExamplesAreOfRules(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(ruleExamples, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, example := range ruleExamplesOnDisk(t) {
		for _, path := range append(example.paths, example.exceptions) {
			known[path] = true
		}
	}
	for _, file := range files {
		if !known[file] {
			t.Errorf("%s is no example of a rule: see %s", strings.TrimPrefix(file, ruleExamples), filepath.Join(ruleExamples, "README.md"))
		}
	}
}
