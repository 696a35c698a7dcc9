package policy

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/open-policy-agent/opa/v1/rego"
)

// engineOf is an engine whose modules are the one given.
func engineOf(t *testing.T, rego string) *Engine {
	t.Helper()
	engine, err := newEngine(t.Context(), fstest.MapFS{
		"evaluation.rego":      {Data: []byte("package iam.evaluation\n" + rego)},
		"evaluation_test.rego": {Data: []byte("this is not Rego, and not part of the evaluator")},
		"explanation.rego":     {Data: []byte("package iam.explanation\nreasons := data.iam.evaluation.reasons")},
		"preparation.rego":     {Data: []byte("package iam.preparation\ndocument(policy) := {\"statements\": [policy]}")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

func TestDecideJSONHandsOverTheAnswer(t *testing.T) {
	engine := engineOf(t, `
		decision := "Allowed" if input.request.action == "s3:GetObject"
		reasons := [{"layer": "identity", "outcome": "silent", "nearest": {"policy": "p", "index": 2, "sid": "Read", "part": "condition",
			"operator": "StringEquals", "key": "aws:x", "wanted": ["a"], "got": null}}]`)
	id, result, err := engine.DecideJSON(t.Context(), []byte(specificationExample), true)
	if err != nil {
		t.Fatal(err)
	}
	if id == nil || *id != "1" || result.Decision != Allowed || len(result.Reasons) != 1 {
		t.Fatalf("got id %v and %+v", id, result)
	}
	nearest := result.Reasons[0].Nearest
	if nearest.Policy != "p" || nearest.Index != 2 || nearest.Sid != "Read" || nearest.Key != "aws:x" || nearest.Got != nil {
		t.Errorf("nearest is %+v", nearest)
	}
	if _, result, err = engine.DecideJSON(t.Context(), []byte(specificationExample), false); err != nil || result.Decision != Allowed || result.Reasons != nil {
		t.Errorf("without reasons: %+v, %v", result, err)
	}
}

// Whatever goes wrong, no answer that comes with an error may read as an allowance.
func TestDecideJSONNeverAllowsWithAnError(t *testing.T) {
	for name, test := range map[string]struct{ rego, line, want string }{
		"a malformed line":    {`decision := "Allowed"`, `{}`, "request: is missing"},
		"no decision":         {`decision := "Allowed" if input.nothing`, specificationExample, "0 answers, not one"},
		"an unknown decision": {`decision := "Perhaps"`, specificationExample, `unknown decision "Perhaps"`},
		"a conflict":          {"decision := \"Allowed\"\ndecision := \"Undetermined\" if input.request", specificationExample, "evaluating the case"},
	} {
		t.Run(name, func(t *testing.T) {
			_, result, err := engineOf(t, test.rego).DecideJSON(t.Context(), []byte(test.line), false)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			if result.Decision != Undetermined {
				t.Errorf("decision %q beside an error, want %q", result.Decision, Undetermined)
			}
		})
	}
}

func TestAPanicWithinTheEvaluationIsAnError(t *testing.T) {
	engine := engineOf(t, `decision := "Allowed"`)
	engine.program.compiler = nil
	_, result, err := engine.DecideJSON(t.Context(), []byte(specificationExample), false)
	if err == nil || result.Decision != Undetermined {
		t.Errorf("got %+v and the error %v", result, err)
	}
	if err != nil && strings.Contains(err.Error(), "goroutine") {
		t.Errorf("the error holds a stack trace: %v", err)
	}
}

func TestACancelledContextEndsTheEvaluation(t *testing.T) {
	engine := engineOf(t, `decision := "Allowed" if count([1 | some i in numbers.range(1, 3000); some j in numbers.range(1, 3000); i == j]) == 3000`)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, _, err := engine.DecideJSON(ctx, []byte(specificationExample), false)
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func TestBrokenModulesAreAnErrorOfNew(t *testing.T) {
	for name, rego := range map[string]string{
		"not Rego":           "package iam.decision\ndecision := ",
		"an unknown builtin": "package iam.decision\ndecision := made.up(1)",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := newEngine(t.Context(), fstest.MapFS{"decision.rego": {Data: []byte(rego)}}); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestOneEngineServesManyAtOnce(t *testing.T) {
	engine := engineOf(t, `
		decision := "Allowed" if glob.match(input.identity[0].name, [], "even-4")
		decision := "ImplicitlyDenied" if not glob.match(input.identity[0].name, [], "even-4")
		reasons := []`)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			name, want := "even-*", Allowed
			if worker%2 == 1 {
				name, want = "odd-*", ImplicitlyDenied
			}
			line := strings.Replace(caseWith(``), `[]`, `[{"name":"`+name+`","policy":{}}]`, 1)
			for range 200 {
				if _, result, err := engine.DecideJSON(t.Context(), []byte(line), true); err != nil || result.Decision != want {
					t.Errorf("worker %d: %+v, %v, want %s", worker, result, err, want)
					return
				}
			}
		})
	}
	group.Wait()
}

// The engine reads documents itself and keeps what the modules have prepared; whoever runs the modules with a stock OPA must get
// the same.
func TestTheEngineAnswersAsTheModulesDo(t *testing.T) {
	engine, err := New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lines := benchLines(t)
	unknown := []byte(`"04da6b54-80e4-46f7-96ec-b56ff0331ba9"`)
	for _, line := range benchLines(t)[:6] {
		lines = append(lines, casesWith(t, line, unknown)...)
	}
	for _, line := range lines {
		for range 2 { // the second time with what was kept from the first
			_, got, err := engine.DecideJSON(t.Context(), line, true)
			if err != nil {
				t.Fatal(err)
			}
			var input any
			if err := json.Unmarshal(line, &input); err != nil {
				t.Fatal(err)
			}
			answer, err := rego.New(
				rego.Query(`decision = data.iam.decision.decision; reasons = data.iam.decision.reasons`),
				rego.Compiler(engine.program.compiler), rego.Input(input),
			).Eval(t.Context())
			if err != nil || len(answer) != 1 {
				t.Fatalf("%v: %v", err, answer)
			}
			if want := answer[0].Bindings["decision"]; string(got.Decision) != want {
				t.Errorf("%s: the engine says %s, the modules %s", line, got.Decision, want)
			}
			var want []Reason
			text, _ := json.Marshal(answer[0].Bindings["reasons"])
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Reasons, want) {
				t.Errorf("%s: the engine's reasons are\n%+v\nthe modules'\n%+v", line, got.Reasons, want)
			}
		}
	}
}

// A policy that a preview does not show yet may turn out to be anything, wherever it is attached.
func TestAnUnknownDocumentLeavesAnAllowanceOpen(t *testing.T) {
	engine, err := New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, unknown := range []string{`"04da6b54-80e4-46f7-96ec-b56ff0331ba9"`, `"[secret]"`} {
		for _, line := range casesWith(t, benchLines(t)[0], []byte(unknown)) {
			if _, result, err := engine.DecideJSON(t.Context(), line, false); err != nil || result.Decision != Undetermined {
				t.Errorf("%s, %v, want %s: %s", result.Decision, err, Undetermined, line)
			}
		}
	}
}
