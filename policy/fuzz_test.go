package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// kinds are all kinds of documents.
var kinds = []Kind{
	IdentityPolicy, ResourcePolicy, TrustPolicy, PermissionsBoundary, SessionPolicy, ServiceControlPolicy, ResourceControlPolicy,
}

func documentSeeds() []string {
	return []string{
		``, `{}`, `null`, `"[secret]"`, `"04da6b54-80e4-46f7-96ec-b56ff0331ba9"`, `[1,`, `{"Statement":[]}`, "{\"a\":\"\xff\"}", `"\ud800"`,
		statement(identityStatement), statement(bucketStatement), benchIdentity, benchBucket, benchKey, benchQueue, benchSCP, benchRCP,
		statement(`{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}`),
		statement(`{"effect":"Allow","Action":"*","Resource":"*"}`),
		condition(`{"StringMatches":{"a:b":"c"}}`), condition(`{"IpAddress":{"a:b":"1.2.3.4/99"}}`), condition(`{"DateEquals":{"a:b":"soon"}}`),
		condition(`{"NumericEquals":{"a:b":1e999999999}}`), condition(`{"ForAnyValue:StringLikeIfExists":{"a:b":["${a:b,'c'}","*"]}}`),
		strings.Repeat(`[`, 100), strings.Repeat(`{"a":`, 100),
	}
}

// Whatever the text, reading it ends with a value that is well-formed or with an error that names the document; and what is read
// as well-formed is JSON for encoding/json too.
func FuzzReadDocument(f *testing.F) {
	for _, seed := range documentSeeds() {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, kind := range kinds {
			value, err := ReadDocument(kind, "p", data)
			switch {
			case err != nil && value != nil:
				t.Fatalf("%s: a value beside the error %v", kind, err)
			case err != nil && !strings.HasPrefix(err.Error(), string(kind)+` "p"`):
				t.Fatalf("%s: the error does not name the document: %v", kind, err)
			case err == nil && !json.Valid(data):
				t.Fatalf("%s: %q is not JSON, but was read", kind, data)
			}
		}
	})
}

// Whatever the text, deciding it ends with one of the four decisions or with an error; and what is malformed is never allowed. A
// document that a fuzzer breaks stands in turn at each place of a case that would otherwise be allowed.
func FuzzDecide(f *testing.F) {
	engine, err := New(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	allowed := benchLines(f)[0]
	f.Add([]byte(specificationExample), false)
	for _, line := range benchLines(f) {
		f.Add(line, false)
	}
	for _, seed := range documentSeeds() {
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, isDocument bool) {
		lines := [][]byte{data}
		if isDocument {
			lines = casesWith(t, allowed, data)
		}
		for _, line := range lines {
			_, result, err := engine.DecideJSON(t.Context(), line, true)
			switch {
			case err != nil && result.Decision != Undetermined:
				t.Fatalf("%s beside the error %v", result.Decision, err)
			case err != nil && strings.Contains(err.Error(), "broke"):
				t.Fatalf("%s: %v", line, err)
			case err == nil && !json.Valid(line):
				t.Fatalf("%s for what is not JSON: %q", result.Decision, line)
			}
			if err == nil && isDocument && malformed(data) && result.Decision == Allowed {
				t.Fatalf("allowed with the malformed document %s", data)
			}
		}
	})
}

// malformed: no kind of policy is written like this. The case format has the empty object for a policy without statements, and
// null for one that is not there.
func malformed(document []byte) bool {
	if value, problem := readJSON(document); problem == nil && (value.String() == "{}" || value.String() == "null") {
		return false
	}
	for _, kind := range kinds {
		if _, err := ReadDocument(kind, "p", document); err == nil {
			return false
		}
	}
	return true
}

// casesWith puts a document's text at each place of a case that can hold one.
func casesWith(t *testing.T, line, document []byte) [][]byte {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(line, &members); err != nil {
		t.Fatal(err)
	}
	delete(members, "permissionBoundaries")
	named := `[{"name":"x","policy":` + string(document) + `}]`
	var cases [][]byte
	for name, text := range map[string]string{
		"identityPolicies": named, "permissionBoundaries": named, "scps": named, "rcps": named,
		"resourcePolicy": string(document), "sessionPolicy": string(document),
	} {
		var b strings.Builder
		b.WriteString(`{`)
		for member, value := range members {
			if member != name {
				b.WriteString(`"` + member + `":` + string(value) + `,`)
			}
		}
		b.WriteString(`"` + name + `":` + text + `}`)
		cases = append(cases, []byte(b.String()))
	}
	return cases
}

// Whatever the text, reading it as a stack ends with an error of one line that names it, or with all that the text says of AWS, once.
func FuzzReadStack(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join(ruleExamples, "*", "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, document := range documentSeeds() {
		f.Add([]byte(preview(f, document)))
		f.Add([]byte(`{"steps":[` + document + `],"deployment":` + document + `}`))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		stack, err := ReadStack("f", bytes.NewReader(data))
		if err != nil {
			if text := err.Error(); !strings.HasPrefix(text, "f: ") || strings.ContainsAny(text, "\r\n") || stack.Contents != nil {
				t.Fatalf("%q, and %s", text, stack.Contents)
			}
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%q is not JSON, but was read", data)
		}
		if said, kept := ofAWS(t, data), ofAWS(t, stack.Contents); !slices.Equal(said, kept) {
			t.Fatalf("%s was read as %s", data, stack.Contents)
		}
	})
}

// ofAWS are the operations, URNs and types of the resources in a preview or an export that are of AWS.
func ofAWS(t *testing.T, text []byte) []string {
	t.Helper()
	var members, deployment map[string]json.RawMessage
	decode(t, text, &members)
	var steps []step
	decode(t, members["steps"], &steps)
	decode(t, members["deployment"], &deployment)
	var states []*resourceState
	decode(t, deployment["resources"], &states)
	for _, state := range states {
		steps = append(steps, step{NewState: state})
	}
	var found []string
	for _, step := range steps {
		if step.NewState != nil && looksAt(step.NewState) {
			found = append(found, fmt.Sprintf("%q %q %q %t", step.Op, step.NewState.URN, step.NewState.Type, step.NewState.Delete))
		}
	}
	return found
}

func decode(t *testing.T, text json.RawMessage, into any) {
	t.Helper()
	if text == nil {
		return
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}
