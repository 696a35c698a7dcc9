package policy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

var compiledRules = sync.OnceValues(func() (*Rules, error) { return NewRules(context.Background()) })

func testRules(t testing.TB) *Rules {
	t.Helper()
	rules, err := compiledRules()
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// What is embedded is what stands above it, and what the page says is what the rules say.
func TestCopiesAreFresh(t *testing.T) {
	rules := testRules(t)
	source, err := os.ReadFile("../policies.rego")
	if err != nil {
		t.Fatal(err)
	}
	embedded, err := ruleModules.ReadFile("rules/policies.embed")
	if err != nil {
		t.Fatal(err)
	}
	if string(source) != string(embedded) {
		t.Error("policy/rules/policies.embed is not policies.rego; run: go generate ./policy")
	}
	page, err := os.ReadFile("../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != rules.Page() {
		t.Error("docs/rules.md is stale; run: go run ./cmd/gate rules > docs/rules.md")
	}
}

func TestRulesAreDescribed(t *testing.T) {
	seen := map[string]bool{}
	for _, rule := range testRules(t).List() {
		if !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(rule.ID) || seen[rule.ID] {
			t.Errorf("the id %q is not one, or is there twice", rule.ID)
		}
		seen[rule.ID] = true
		if rule.Title == "" || rule.Description == "" || rule.Remediation == "" || len(rule.References) == 0 {
			t.Errorf("%s lacks a title, a description, a remediation or a reference: %+v", rule.ID, rule)
		}
		switch rule.Category {
		case "principal", "transport", "action", "resource", "trust", "deputy", "hardening", "agreement", "exception", "integrity":
		default:
			t.Errorf("%s has the category %q", rule.ID, rule.Category)
		}
	}
	if !seen[unjudgedRule] {
		t.Errorf("there is no rule %s, which the strict reader needs", unjudgedRule)
	}
}

// preview is the JSON of a preview of one bucket policy in account 987654321098.
func preview(t testing.TB, document string) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"config": map[string]string{"aws:allowedAccountIds": `["987654321098"]`},
		"steps": []any{map[string]any{"op": "create", "newState": map[string]any{
			"urn": "urn:pulumi:b::p::aws:s3/bucketPolicy:BucketPolicy::x", "type": "aws:s3/bucketPolicy:BucketPolicy",
			"inputs": map[string]any{"bucket": "b", "policy": document},
		}}},
		"changeSummary": map[string]int{"create": 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const secureBucketPolicy = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}},
	{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],"Condition":{"NumericLessThan":{"s3:TlsVersion":"1.2"}}}]}`

func TestCheck(t *testing.T) {
	const open = `{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`
	for _, c := range []struct {
		name, document string
		want           []string
	}{
		{"good", secureBucketPolicy, nil},
		{"open and plain", `{"Version":"2012-10-17","Statement":[` + open + `]}`, []string{"wildcard-principal critical", "secure-transport high", "tls-version medium"}},
		{"a key that is there twice, which only the strict reader sees", strings.Replace(secureBucketPolicy, `"Effect":"Deny"`, `"Effect":"Allow","Effect":"Deny"`, 1), []string{"undetermined high"}},
	} {
		judged, err := testRules(t).Check(t.Context(), File{Contents: json.RawMessage(preview(t, c.document))})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, finding := range judged.Findings {
			got = append(got, fmt.Sprintf("%s %s", finding.Rule, finding.Severity))
			if !finding.Blocking || finding.Stack != "b" || finding.URN == "" || finding.Message == "" || finding.Docs != "docs/rules.md#"+finding.Rule {
				t.Errorf("%s: %+v", c.name, finding)
			}
		}
		if strings.Join(got, ", ") != strings.Join(c.want, ", ") || judged.Policies["b"] != 1 {
			t.Errorf("%s: %q of %v policies, want %q", c.name, got, judged.Policies, c.want)
		}
	}
}

// A witness is a request that the evaluator itself lets through, as far as the bucket's policy goes.
func TestWitnessesGetThrough(t *testing.T) {
	engine, err := New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`,
		`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:Put*","Resource":"arn:aws:s3:::b/in/*","Condition":{"StringLike":{"aws:PrincipalOrgID":"o-*"}}}`,
		`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}`,
	} {
		document := strings.Replace(secureBucketPolicy, `"Statement":[`, `"Statement":[`+statement+",", 1)
		judged, err := testRules(t).Check(t.Context(), File{Contents: json.RawMessage(preview(t, document))})
		if err != nil {
			t.Fatal(err)
		}
		witnessed := false
		for _, finding := range judged.Findings {
			if finding.Rule != "wildcard-principal" {
				continue
			}
			w := finding.Witness
			witnessed = true
			everything := json.RawMessage(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
			result, err := engine.Decide(t.Context(), Case{
				Request:          Request{Principal: w.Principal, Action: w.Action, Resource: Resource{ARN: w.Resource, AccountID: "987654321098"}, Context: w.Context},
				IdentityPolicies: []NamedPolicy{{Name: "own", Policy: everything}},
				ResourcePolicy:   json.RawMessage(document),
			})
			if err != nil || result.Decision != Allowed {
				t.Errorf("%s: the witness %+v is %s %v", statement, w, result.Decision, err)
			}
		}
		if !witnessed {
			t.Errorf("%s: no witness", statement)
		}
	}
}

func TestReadStack(t *testing.T) {
	state := `{"version":3,"deployment":{"manifest":{},"resources":[
		{"urn":"urn:pulumi:a::p::pulumi:pulumi:Stack::p-a","type":"pulumi:pulumi:Stack"},
		{"urn":"urn:pulumi:a::p::aws:iam/role:Role::r","type":"aws:iam/role:Role","inputs":{"name":"R"},"outputs":{"arn":"arn:aws:iam::123456789012:role/R","secret":"x","outputs":["of another kind"]}}]}}`
	for _, c := range []struct {
		name, text string
		kind       string
		resources  int
		err        string
	}{
		{"a preview", preview(t, "{}"), "preview", 1, ""},
		{"a state", state, "state", 2, ""},
		{"a preview that failed at once", `{"diagnostics":[{"severity":"error"}]}`, "preview", 0, ""},
		{"empty", "", "", 0, "f: it is empty"},
		{"truncated", state[:100], "", 0, "it ends in the middle"},
		{"no JSON", "steps:", "", 0, "it is not JSON"},
		{"an array", "[]", "", 0, "neither a preview"},
		{"a Terraform plan", `{"format_version":"1.2","resource_changes":[]}`, "", 0, "neither a preview"},
		{"text behind", state + "x", "", 0, "text behind"},
		{"two objects", state + state, "", 0, "text behind"},
		{"steps of another kind", `{"steps":{}}`, "", 0, "neither a preview"},
		{"a step of another kind", `{"steps":[{"op":5}]}`, "", 0, "op is a JSON number"},
		{"twice", strings.Replace(state, `"resources":[`, `"resources":[{"urn":"urn:pulumi:a::p::aws:iam/role:Role::r","type":"aws:iam/role:Role"},`, 1), "", 0, "is there twice"},
		{"very deep", `{"steps":[` + strings.Repeat("[", 20000), "", 0, "exceeded max depth"},
	} {
		stack, err := ReadStack("f", strings.NewReader(c.text))
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v, want %q", c.name, err, c.err)
			}
			continue
		}
		if err != nil || stack.Kind != c.kind || stack.Resources != c.resources {
			t.Errorf("%s: %+v %v", c.name, stack, err)
		}
		if strings.Contains(string(stack.Contents), "secret") {
			t.Errorf("%s: %s keeps what no rule looks at", c.name, stack.Contents)
		}
	}
	if _, err := ReadStack("f", failing{}); !errors.Is(err, os.ErrPermission) {
		t.Errorf("a reader that fails: %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, os.ErrPermission }

func BenchmarkCheck(b *testing.B) {
	rules := testRules(b)
	file := File{Contents: json.RawMessage(preview(b, secureBucketPolicy))}
	for b.Loop() {
		if _, err := rules.Check(b.Context(), file); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewRules(b *testing.B) {
	for b.Loop() {
		if _, err := NewRules(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// Policies that say the same of their buckets are judged once; what is wrong with one is then found with each.
func TestPoliciesAlike(t *testing.T) {
	const other = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/R"},"Action":"s3:GetObject","Resource":"RESOURCE"}`
	for _, c := range []struct {
		name     string
		document func(bucket string) string
		found    []string
		shapes   int
	}{
		{"good", secureFor, nil, 1},
		{"bad", func(bucket string) string { return strings.Replace(secureFor(bucket), `"1.2"`, `"1.1"`, 1) }, []string{"bucket-1", "bucket-2", "folders"}, 1},
		{"one by its name alone", func(bucket string) string { // which covers the objects of one of them
			return strings.Replace(secureFor(bucket), "arn:aws:s3:::"+bucket+"/*", "arn:aws:s3:::*-1/*", 1)
		}, []string{"bucket-2", "folders"}, 3},
		{"one by a pattern that is no ARN of S3", func(bucket string) string {
			return strings.Replace(secureFor(bucket), "arn:aws:s3:::"+bucket+"/*", "arn:aws:s3*-1/*", 1)
		}, []string{"bucket-1", "bucket-2", "folders"}, 3},
		{"a name that is a folder's too", func(bucket string) string {
			return strings.Replace(secureFor(bucket), `[`, `[`+strings.Replace(other, "RESOURCE", "arn:aws:s3:::"+bucket+"/"+bucket+"/*", 1)+",", 1)
		}, nil, 1},
		{"a name that is a part of another text", func(bucket string) string {
			return strings.Replace(secureFor(bucket), `"Effect"`, `"Sid":"`+bucket+`","Effect"`, 1)
		}, nil, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			var steps []any
			shapes := map[string]bool{}
			for _, bucket := range []string{"bucket-1", "bucket-2", "folders"} {
				urn := "urn:pulumi:b::p::aws:s3/bucketPolicy:BucketPolicy::" + bucket
				steps = append(steps, map[string]any{"op": "create", "newState": map[string]any{
					"urn": urn, "type": "aws:s3/bucketPolicy:BucketPolicy", "inputs": map[string]any{"bucket": bucket, "policy": c.document(bucket)},
				}})
				shapes[attachment{Kind: "bucket", ARN: "arn:aws:s3:::" + bucket, Text: c.document(bucket)}.shape()] = true
			}
			contents, err := json.Marshal(map[string]any{"config": map[string]string{"aws:allowedAccountIds": `["987654321098"]`}, "steps": steps})
			if err != nil {
				t.Fatal(err)
			}
			judged, err := testRules(t).Check(t.Context(), File{Contents: contents})
			if err != nil {
				t.Fatal(err)
			}
			var found []string
			for _, finding := range judged.Findings {
				if bucket := finding.URN[strings.LastIndex(finding.URN, ":")+1:]; !slices.Contains(found, bucket) {
					found = append(found, bucket)
				}
			}
			slices.Sort(found)
			slices.Sort(c.found)
			if !slices.Equal(found, c.found) || len(shapes) != c.shapes || judged.Policies["b"] != 3 {
				t.Errorf("faults with %q, want %q; %d shapes, want %d", found, c.found, len(shapes), c.shapes)
			}
		})
	}
}

// secureFor is a policy as it should be, of a bucket.
func secureFor(bucket string) string {
	return strings.NewReplacer(`:::b"`, ":::"+bucket+`"`, ":::b/", ":::"+bucket+"/").Replace(secureBucketPolicy)
}
