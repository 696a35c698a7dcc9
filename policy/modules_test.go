package policy

import (
	"bytes"
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/topdown/lineage"
)

const regoTestSuffix = "_test.rego"

// entryPoints are what callers of the modules ask for, whether through the engine or with `opa eval`.
var entryPoints = []string{"data.iam.decision.decision", "data.iam.decision.reasons"}

// modulesOnDisk reads the modules and the data beside them the way `opa test` and `opa eval -d` do: everything in the directory, and
// the rules above it, so that a file which these would stumble over fails here as well.
func modulesOnDisk(t *testing.T) (map[string]*ast.Module, storage.Store) {
	t.Helper()
	parsed, store, err := tester.Load([]string{".", "../policies.rego", "../policies_test.rego"}, nil)
	if err != nil {
		t.Fatalf("reading the Rego modules: %v", err)
	}
	return parsed, store
}

// runRegoTests runs the Rego tests, all or those whose name matches the filter, on the modules as they are on disk. OPA either
// traces or measures coverage; it traces where no coverage is asked for.
func runRegoTests(t *testing.T, filter string, coverage *cover.Cover) []*tester.Result {
	t.Helper()
	parsed, store := modulesOnDisk(t)
	return runRegoTestsOf(t, parsed, store, filter, coverage)
}

// runRegoTestsOf runs the Rego tests among the modules, as runRegoTests does.
func runRegoTestsOf(t *testing.T, parsed map[string]*ast.Module, store storage.Store, filter string, coverage *cover.Cover) []*tester.Result {
	t.Helper()
	// Strict: an import, a variable or an argument that nothing uses is an error.
	compiler := ast.NewCompiler().WithStrict(true).WithEnablePrintStatements(true)
	runner := tester.NewRunner().SetStore(store).SetModules(parsed).SetCompiler(compiler).SetTimeout(5 * time.Minute).Filter(filter)
	if coverage != nil {
		runner.SetCoverageQueryTracer(coverage).SetCoverageRuns(nil)
	} else {
		runner.EnableTracing(true)
	}

	var results []*tester.Result
	err := storage.Txn(t.Context(), store, storage.TransactionParams{}, func(txn storage.Transaction) error {
		running, err := runner.RunTests(t.Context(), txn)
		if err != nil {
			return err
		}
		for result := range running {
			results = append(results, result)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("compiling the Rego modules: %v", err)
	}
	slices.SortFunc(results, func(a, b *tester.Result) int {
		return cmp.Or(
			strings.Compare(a.Package, b.Package),
			cmp.Compare(a.Location.Row, b.Location.Row),
			strings.Compare(a.Name, b.Name),
		)
	})
	return results
}

// TestModules runs the Rego tests that stand beside the modules, each as TestModules/<package>/<test>/<case>, and then asks for
// every line of the modules to have been run by one of them.
func TestModules(t *testing.T) {
	coverage := cover.New()
	results := runRegoTests(t, "", coverage)
	if len(results) == 0 {
		t.Fatalf("found no Rego tests: rules named %s… in *%s", tester.TestPrefix, regoTestSuffix)
	}
	byPackage := map[string][]*tester.Result{}
	for _, result := range results {
		name := strings.TrimPrefix(result.Package, "data.")
		byPackage[name] = append(byPackage[name], result)
	}
	for _, name := range slices.Sorted(maps.Keys(byPackage)) {
		t.Run(name, func(t *testing.T) {
			for _, result := range byPackage[name] {
				t.Run(result.Name, func(t *testing.T) { reportRegoTest(t, result) })
			}
		})
	}
	t.Run("coverage", func(t *testing.T) { reportCoverage(t, coverage) })
}

func reportRegoTest(t *testing.T, result *tester.Result) {
	reportRegoCases(t, result.SubResults)
	if result.Pass() {
		return
	}
	t.Errorf("%s: %s", result.Location, result)
	if result.Skip {
		t.Errorf("a skipped test tests nothing: rename it from %s… to %s… or remove it", tester.SkipTestPrefix, tester.TestPrefix)
		return
	}
	if len(result.Output) > 0 {
		t.Logf("printed:\n%s", result.Output)
	}
	if result.Error != nil {
		t.Logf("error: %v", result.Error)
	}
	t.Logf("what failed in it:\n%s", traceOfRegoTest(t, result))
}

func reportRegoCases(t *testing.T, cases tester.SubResultMap) {
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		t.Run(name, func(t *testing.T) {
			reportRegoCases(t, cases[name].SubResults)
			if cases[name].Fail {
				t.Error("this case fails; the trace stands with the test it is part of")
			}
		})
	}
}

// traceOfRegoTest runs one test again to see the expressions of the test file that failed, with the values they had. What failed
// within the modules is left out: there, most of what is tried for a decision fails, and rightly.
func traceOfRegoTest(t *testing.T, result *tester.Result) string {
	t.Helper()
	var text bytes.Buffer
	for _, again := range runRegoTests(t, result.Package+"."+result.Name, nil) {
		if again.Package != result.Package || again.Name != result.Name {
			continue
		}
		failed := lineage.Filter(again.Trace, func(event *topdown.Event) bool {
			return event.Op == topdown.FailOp && event.Location != nil && event.Location.File == result.Location.File
		})
		topdown.PrettyTraceWithOpts(&text, failed, topdown.PrettyTraceOptions{Locations: true, ExprVariables: true})
	}
	return text.String()
}

func reportCoverage(t *testing.T, coverage *cover.Cover) {
	parsed, _ := modulesOnDisk(t)
	maps.DeleteFunc(parsed, func(file string, _ *ast.Module) bool { return strings.HasSuffix(file, regoTestSuffix) })
	if len(parsed) == 0 {
		t.Fatal("found no modules beside the tests")
	}
	report := coverage.Report(parsed)
	for _, file := range slices.Sorted(maps.Keys(parsed)) {
		lines := sourceLines(t, file)
		reported := 0
		for _, part := range report.Files[file].NotCovered {
			if row := part.Start.Row; row != reported { // sorted, and a line can hold several expressions
				t.Errorf("%s:%d: no Rego test runs this: %s", file, row, strings.TrimSpace(lines[row-1]))
				reported = row
			}
		}
	}
}

func sourceLines(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}

// Beside each module stand its own tests.
func TestModulesHaveTestsBesideThem(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*.rego", "rules/*.rego", "../*.rego"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		name, isTest := strings.CutSuffix(file, regoTestSuffix)
		counterpart := name + ".rego"
		if !isTest {
			counterpart = strings.TrimSuffix(file, ".rego") + regoTestSuffix
		}
		if !slices.Contains(files, counterpart) {
			t.Errorf("%s: there is no %s", file, counterpart)
		}
	}
}

// What a reader of the modules, `opa inspect` and generated documents go by: a title and a description on each package and each
// entry point, and at least a title on whatever else other packages may use.
func TestModulesAreDescribed(t *testing.T) {
	parsed, _ := modulesOnDisk(t)
	maps.DeleteFunc(parsed, func(file string, _ *ast.Module) bool { return strings.HasSuffix(file, regoTestSuffix) })

	declared := map[string]bool{}
	for _, file := range slices.Sorted(maps.Keys(parsed)) {
		module := parsed[file]
		described := slices.ContainsFunc(module.Annotations, func(a *ast.Annotations) bool {
			return a.Scope == "package" && a.Title != "" && a.Description != ""
		})
		if !described {
			t.Errorf("%s: %s needs METADATA with a title and a description", module.Package.Location, module.Package)
		}

		titled := map[string]bool{}
		for _, rule := range module.Rules {
			name := rule.Head.Ref().GroundPrefix().String()
			for _, annotation := range rule.Annotations {
				titled[name] = titled[name] || annotation.Title != ""
				if !annotation.Entrypoint {
					continue
				}
				declared[module.Package.Path.String()+"."+name] = true
				if annotation.Title == "" || annotation.Description == "" {
					t.Errorf("%s: the entry point %s needs METADATA with a title and a description", rule.Location, name)
				}
			}
			if !strings.HasPrefix(name, "_") && !titled[name] {
				t.Errorf("%s: the rule %s needs METADATA with a title, or a name that starts with an underscore", rule.Location, name)
				titled[name] = true // once is enough, whatever the number of its definitions
			}
		}
	}
	if got := slices.Sorted(maps.Keys(declared)); !slices.Equal(got, entryPoints) {
		t.Errorf("the METADATA declares the entry points %v, but callers ask for %v", got, entryPoints)
	}
}
