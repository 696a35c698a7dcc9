package policy

import (
	"cmp"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestReadExceptions(t *testing.T) {
	whole := Exception{Rule: "secure-transport", Resource: "urn:pulumi:b::p::t::x", Fingerprint: "sha256:1", Owner: "o", Reason: "r", Expires: "2026-12-31"}
	for _, c := range []struct {
		name, text string
		want       []Exception
		err        string
	}{
		{"an exception", "exceptions:\n  - rule: secure-transport\n    resource: urn:pulumi:b::p::t::x\n    fingerprint: sha256:1\n    owner: o\n    reason: r\n    expires: 2026-12-31\n", []Exception{whole}, ""},
		{"in one line", `exceptions: [{rule: secure-transport, resource: "urn:pulumi:b::p::t::x", fingerprint: "sha256:1", owner: o, reason: r, expires: "2026-12-31"}]`, []Exception{whole}, ""},
		{"what the rules refuse", "exceptions:\n- reason:\n  owner: ''\n", []Exception{{}}, ""},
		{"none", "exceptions: []", nil, ""},
		{"nothing in it", "exceptions:\n", nil, ""},
		{"empty", "", nil, ""},
		{"a comment", "# none yet\n", nil, ""},
		{"another key", "exception: []", nil, "f: line 1: there has to be the key exceptions, and no other"},
		{"one more key", "exceptions: []\nversion: 1", nil, "f: line 1: there has to be the key exceptions, and no other"},
		{"a list", "# x\n[]", nil, "f: line 2: there has to be the key exceptions, and no other"},
		{"a text", "exceptions:\n  none", nil, "f: line 2: the exceptions are not a list"},
		{"a list of texts", "exceptions:\n- secure-transport", nil, "f: line 2: an exception has the keys rule, resource"},
		{"an unknown key", "exceptions:\n- rule: r\n  severity: low", nil, `f: line 3: "severity" is there twice, or is none of rule`},
		{"a key that is there twice", "exceptions:\n- rule: r\n  rule: s", nil, `f: line 3: "rule" is there twice`},
		{"a number", "exceptions:\n- rule: r\n  owner: 5", nil, "f: line 3: owner is not a text"},
		{"a list of owners", "exceptions:\n- owner: [a, b]", nil, "f: line 2: owner is not a text"},
		{"an alias", "exceptions:\n- owner: &a x\n  reason: *a", nil, "f: line 3: reason is not a text"},
		{"a second document", "exceptions: []\n---\nexceptions: []", nil, "f: there is more behind the first document"},
		{"no YAML", "exceptions: [", nil, "f: yaml: line 1"},
	} {
		got, err := ReadExceptions("f", strings.NewReader(c.text))
		if c.err != "" {
			if err == nil || !strings.HasPrefix(err.Error(), c.err) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v, want %q", c.name, err, c.err)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v %v", c.name, got, err)
		}
	}
}

func TestProjectExceptions(t *testing.T) {
	t.Chdir(t.TempDir())
	if exceptions, err := ProjectExceptions(); err != nil || exceptions != nil {
		t.Errorf("without a file: %v %v", exceptions, err)
	}
	if _, err := ReadExceptionsFile("exceptions.yaml"); err == nil || !strings.Contains(err.Error(), "exceptions.yaml") {
		t.Errorf("a file that is named and missing: %v", err)
	}
	if err := os.WriteFile("exceptions.yaml", []byte("exceptions: [{rule: r}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if exceptions, err := ProjectExceptions(); err != nil || len(exceptions) != 1 || exceptions[0].Rule != "r" {
		t.Errorf("with a file: %v %v", exceptions, err)
	}
	if err := os.Remove("exceptions.yaml"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("exceptions.yaml", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := ProjectExceptions(); err == nil || !strings.Contains(err.Error(), "exceptions.yaml") {
		t.Errorf("with a directory: %v", err)
	}
}

// excepting are rules with exceptions of all that the rules find in a file, and those findings.
func excepting(t *testing.T, file File) (*Rules, []Finding) {
	t.Helper()
	judged, err := testRules(t).Check(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	var exceptions []Exception
	for _, finding := range judged.Findings {
		exceptions = append(exceptions, Exception{
			Rule: finding.Rule, Resource: finding.URN, Fingerprint: cmp.Or(finding.Fingerprint, "sha256:"), Owner: "o", Reason: "r", Expires: "9999-12-31",
		})
	}
	rules, err := NewRules(t.Context(), exceptions...)
	if err != nil {
		t.Fatal(err)
	}
	return rules, judged.Findings
}

func TestCheckWithExceptions(t *testing.T) {
	const open = `{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`
	file := func(statements string) File {
		stack, err := ReadStack("f", strings.NewReader(strings.Replace(preview(t, `{"Version":"2012-10-17","Statement":[`+statements+`]}`), `"steps":[`,
			`"steps":[{"op":"create","newState":{"urn":"urn:pulumi:b::p::pulumi:pulumi:Stack::p-b","type":"pulumi:pulumi:Stack"}},`, 1)))
		if err != nil {
			t.Fatal(err)
		}
		return stack.File
	}
	rules, found := excepting(t, file(open))
	if len(found) != 3 {
		t.Fatalf("%+v", found)
	}
	judged, err := rules.Check(t.Context(), file(open))
	if err != nil || len(judged.Findings) != 0 || len(judged.Excepted) != 3 || judged.Policies["b"] != 1 {
		t.Fatalf("%+v %v", judged, err)
	}
	for i, one := range judged.Excepted {
		if !reflect.DeepEqual(one.Finding, found[i]) || one.Owner != "o" || one.Reason != "r" || one.Expires != "9999-12-31" {
			t.Errorf("%+v, want %+v", one, found[i])
		}
	}

	// One more statement is another policy, but the statement is the same.
	judged, err = rules.Check(t.Context(), file(open+`,{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/R"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::b/*"}`))
	if err != nil || len(judged.Excepted) != 1 || judged.Excepted[0].Finding.Rule != "wildcard-principal" {
		t.Errorf("%+v %v", judged, err)
	}
	if got, want := rulesFound(judged), "secure-transport stale-exception stale-exception tls-version"; got != want {
		t.Errorf("%s, want %s", got, want)
	}

	// Without the resource, the exceptions are for nothing; of another stack there is nothing to say.
	for stack, want := range map[string]string{"b": "nothing-judged stale-exception stale-exception stale-exception", "c": "nothing-judged"} {
		empty := json.RawMessage(`{"steps":[{"op":"same","newState":{"urn":"urn:pulumi:` + stack + `::p::pulumi:pulumi:Stack::p-b","type":"pulumi:pulumi:Stack"}}]}`)
		judged, err := rules.Check(t.Context(), File{Contents: empty})
		if got := rulesFound(judged); err != nil || got != want {
			t.Errorf("%s: %s, want %s, %v", stack, got, want, err)
		}
	}
}

// What cannot be judged, or only the strict reader sees, no exception covers.
func TestNothingExceptsWhatCouldNotBeJudged(t *testing.T) {
	for _, document := range []string{"04da6b54-80e4-46f7-96ec-b56ff0331ba9", strings.Replace(secureBucketPolicy, `"Effect":"Deny"`, `"Effect":"Allow","Effect":"Deny"`, 1)} {
		file := File{Contents: json.RawMessage(preview(t, document))}
		rules, found := excepting(t, file)
		judged, err := rules.Check(t.Context(), file)
		if err != nil || len(judged.Excepted) > 0 || len(found) == 0 || rulesFound(judged) != "stale-exception undetermined" {
			t.Errorf("%s: %+v %v", document, judged, err)
		}
	}
}

// rulesFound are the rules of the findings, sorted.
func rulesFound(judged Judgement) string {
	var names []string
	for _, finding := range judged.Findings {
		names = append(names, finding.Rule)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}
