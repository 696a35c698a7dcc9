package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// specificationExample is the case by which the specification shows the format.
const specificationExample = `{"id": "1",
 "request": {"principal": "arn:aws:sts::123456789012:assumed-role/R/s",
             "action": "s3:GetObject",
             "resource": {"resource": "arn:aws:s3:::b/k", "accountId": "987654321098"},
             "context": {"aws:SecureTransport": "true", "aws:PrincipalOrgPaths": ["o-1/r-1/"]}},
 "identityPolicies": [{"name": "p", "policy": {}}],
 "resourcePolicy": {},
 "permissionBoundaries": [{"name": "b", "policy": {}}],
 "sessionPolicy": {},
 "scps": [{"name": "s", "policy": {}}],
 "rcps": [{"name": "r", "policy": {}}]}`

const exampleRequest = `{"principal":"arn:aws:iam::123456789012:role/R","action":"s3:GetObject","resource":{"resource":"arn:aws:s3:::b/k","accountId":"987654321098"},"context":{}}`

func caseWith(members string) string {
	return `{"id":"7","request":` + exampleRequest + `,"identityPolicies":[]` + members + `}`
}

func caseWithRequest(request string) string {
	return `{"id":"7","identityPolicies":[],"request":` + request + `}`
}

// readWhole reads a case with its documents, as the engine does.
func readWhole(line []byte) (question, error) {
	q, err := readCase(line)
	return q, withDocuments(q, err)
}

// withDocuments adds what is wrong with a question's documents to what is wrong with the rest of it.
func withDocuments(q question, err error) error {
	var problems MalformedError
	if err != nil && !errors.As(err, &problems) {
		return err
	}
	for _, documents := range layersOf(q) {
		for _, document := range documents {
			_, more := document.read()
			problems = append(problems, more...)
		}
	}
	if len(problems) > 0 {
		return problems
	}
	return nil
}

func layersOf(q question) [][]document {
	layers := [][]document{q.identity, q.resource, q.boundary, q.session}
	for _, levels := range [][]level{q.scp, q.rcp} {
		for _, level := range levels {
			layers = append(layers, level.documents)
		}
	}
	return layers
}

func TestReadCaseBringsTheRequestIntoOneForm(t *testing.T) {
	for name, test := range map[string]struct{ line, want string }{
		"what is in it already": {specificationExample,
			`{"principal": "arn:aws:sts::123456789012:assumed-role/R/s", "action": "s3:GetObject",
				"resource": {"resource": "arn:aws:s3:::b/k", "accountId": "987654321098"},
				"context": {"aws:SecureTransport": "true", "aws:PrincipalOrgPaths": ["o-1/r-1/"]}}`},
		"no context": {
			caseWithRequest(`{"principal":"anonymous","action":"s3:GetObject","resource":{"resource":"*","accountId":"987654321098"}}`),
			`{"principal":"anonymous","action":"s3:GetObject","resource":{"resource":"*","accountId":"987654321098"},"context":{}}`},
		"booleans and numbers as context values": {
			caseWithRequest(strings.Replace(exampleRequest, `"context":{}`, `"context":{"aws:SecureTransport":true,"s3:max-keys":10,"aws:x":["a",false]}`, 1)),
			strings.Replace(exampleRequest, `"context":{}`, `"context":{"aws:SecureTransport":"true","s3:max-keys":"10","aws:x":["a","false"]}`, 1)},
		"the account from the ARN": {
			caseWithRequest(`{"principal":"lambda.amazonaws.com","action":"sts:AssumeRole","resource":{"resource":"arn:aws:iam::123456789012:role/R"},"context":{}}`),
			`{"principal":"lambda.amazonaws.com","action":"sts:AssumeRole","resource":{"resource":"arn:aws:iam::123456789012:role/R","accountId":"123456789012"},"context":{}}`},
	} {
		t.Run(name, func(t *testing.T) {
			q, err := readCase([]byte(test.line))
			if err != nil {
				t.Fatal(err)
			}
			want, problem := readJSON([]byte(test.want))
			if problem != nil {
				t.Fatal(problem)
			}
			if q.request.Compare(want) != 0 {
				t.Errorf("got  %v\nwant %v", q.request, want)
			}
		})
	}
}

func TestReadCaseFindsEveryDocument(t *testing.T) {
	for name, test := range map[string]struct{ line, want string }{
		"the specification's example": {specificationExample,
			`identity policy "p"={} | resource policy={} | permissions boundary "b"={} | session policy={} | SCP "s"={} | RCP "r"={}`},
		"null for what may be left out": {
			caseWith(`,"resourcePolicy":null,"sessionPolicy":null,"permissionBoundaries":null,"scps":null,"rcps":null`), ``},
		"levels": {
			caseWith(`,"scps":[{"orgIdentifier":"r","policies":[{"name":"s","policy":{}},{"policy":{},"name":"t"}]},{"policies":[{"name":"u","policy":{ }}],"orgIdentifier":"ou"}]`),
			`SCP "s" of level "r"={} | SCP "t" of level "r"={} | SCP "u" of level "ou"={ }`},
	} {
		t.Run(name, func(t *testing.T) {
			q, err := readCase([]byte(test.line))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, documents := range layersOf(q) {
				for _, document := range documents {
					got = append(got, document.title()+"="+string(document.text))
				}
			}
			if text := strings.Join(got, " | "); text != test.want {
				t.Errorf("got  %s\nwant %s", text, test.want)
			}
		})
	}
}

func TestReadCaseTakesATrustPolicyWithoutResource(t *testing.T) {
	for _, line := range []string{
		`{"request":{"principal":"lambda.amazonaws.com","action":"sts:AssumeRole","resource":{"resource":"arn:aws:iam::123456789012:role/path/R"}},
			"identityPolicies":[],"resourcePolicy":{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}}`,
		`{"identityPolicies":[],"resourcePolicy":{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}},
			"request":{"principal":"lambda.amazonaws.com","action":"sts:AssumeRole","resource":{"resource":"arn:aws:iam::123456789012:role/path/R"}}}`,
	} {
		if _, err := readWhole([]byte(line)); err != nil {
			t.Error(err)
		}
		if _, err := readWhole([]byte(strings.Replace(line, "role/path/R", "policy/R", 1))); err == nil {
			t.Error("a resource policy that is no trust policy was read without Resource")
		}
	}
}

func TestReadCaseTakesEveryFormOfPrincipal(t *testing.T) {
	for _, principal := range []string{
		"arn:aws:sts::123456789012:assumed-role/R/s", "arn:aws:iam::123456789012:role/path/R", "arn:aws:iam::123456789012:user/u",
		"arn:aws:sts::123456789012:federated-user/f", "arn:aws:iam::123456789012:root", "arn:aws-us-gov:iam::123456789012:role/R",
		"arn:aws:iam::123456789012:oidc-provider/accounts.example.com", "arn:aws:iam::123456789012:saml-provider/p", "123456789012",
		"lambda.amazonaws.com", "s3.cn-north-1.amazonaws.com.cn", "accounts.google.com", "anonymous", "*", "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
	} {
		if _, err := readCase([]byte(strings.Replace(caseWith(``), "arn:aws:iam::123456789012:role/R", principal, 1))); err != nil {
			t.Error(err)
		}
	}
}

func TestReadCaseRefuses(t *testing.T) {
	request := func(old, replacement string) string {
		return caseWithRequest(strings.Replace(exampleRequest, old, replacement, 1))
	}
	for name, test := range map[string]struct {
		line string
		want string
	}{
		"an array":                    {`[]`, `case: is an array, expected an object with request and identityPolicies`},
		"an unknown key":              {caseWith(`,"policies":[]`), `case, "policies": unknown key, expected one of id, request,`},
		"no request":                  {`{"identityPolicies":[]}`, `case, request: is missing`},
		"no identityPolicies":         {`{"request":` + exampleRequest + `}`, `case, identityPolicies: is missing`},
		"an id that is a number":      {`{"id":7,"request":` + exampleRequest + `,"identityPolicies":[]}`, `case, id: is the number 7, expected a string`},
		"a request without principal": {request(`"principal":"arn:aws:iam::123456789012:role/R",`, ``), `case, request.principal: is missing`},
		"a principal of no form":      {request(`arn:aws:iam::123456789012:role/R`, `Alice`), `case, request.principal: "Alice" is no principal`},
		"a principal without account": {request(`arn:aws:iam::123456789012:role/R`, `arn:aws:iam:::role/R`), `case, request.principal: "arn:aws:iam:::role/R" is no principal`},
		"an action without service":   {request(`s3:GetObject`, `GetObject`), `case, request.action: "GetObject" is not one action, expected service:Name`},
		"a pattern as the action":     {request(`s3:GetObject`, `s3:Get*`), `case, request.action: "s3:Get*" is not one action`},
		"a resource that is no ARN":   {request(`arn:aws:s3:::b/k`, `b/k`), `case, request.resource.resource: "b/k" is neither an ARN`},
		"a resource as a string":      {request(`{"resource":"arn:aws:s3:::b/k","accountId":"987654321098"}`, `"arn:aws:s3:::b/k"`), `case, request.resource: is "arn:aws:s3:::b/k", expected an object with "resource"`},
		"an account of 11 digits":     {request(`987654321098`, `98765432109`), `case, request.resource.accountId: "98765432109" is not an account id, expected 12 digits`},
		"no account for a bucket":     {request(`,"accountId":"987654321098"`, ``), `case, request.resource.accountId: is missing, and the ARN "arn:aws:s3:::b/k" does not tell the account`},
		"a context that is an array":  {request(`"context":{}`, `"context":[]`), `case, request.context: is an array`},
		"a nested context value":      {request(`"context":{}`, `"context":{"aws:x":{"a":"b"}}`), `case, request.context.aws:x: is an object, expected a string`},
		"a doubly nested array":       {request(`"context":{}`, `"context":{"aws:x":[["a"]]}`), `case, request.context.aws:x[0]: is an array, expected a string`},
		"a context key in two cases":  {request(`"context":{}`, `"context":{"aws:SourceIp":"203.0.113.1","AWS:sourceip":"203.0.113.2"}`), `case, request.context.aws:SourceIp: is given twice`},
		"policies that are an object": {`{"request":` + exampleRequest + `,"identityPolicies":{}}`, `case, identityPolicies: is an object, expected an array of {"name", "policy"}`},
		"a policy without a name":     {caseWith(`,"permissionBoundaries":[{"policy":{}}]`), `case, permissionBoundaries[0].name: is missing`},
		"a name without a policy":     {caseWith(`,"permissionBoundaries":[{"name":"b"}]`), `case, permissionBoundaries[0].policy: is missing`},
		"a bare document":             {caseWith(`,"scps":[{"Statement":[]}]`), `case, scps[0]."Statement": unknown key, expected one of name, policy`},
		"flat policies beside levels": {caseWith(`,"scps":[{"name":"s","policy":{}},{"orgIdentifier":"ou","policies":[]}]`), `case, scps: mixes policies ({"name", "policy"}) with levels`},
		"a level without a name":      {caseWith(`,"rcps":[{"policies":[]}]`), `case, rcps[0].orgIdentifier: is missing`},
		"a malformed document":        {caseWith(`,"sessionPolicy":{"Statement":[{"Sid":"A","effect":"Allow","Action":"*","Resource":"*"}]}`), `session policy, statement 0 (Sid "A"), "effect": element names are case-sensitive, expected "Effect"`},
		"a malformed named document":  {caseWith(`,"permissionBoundaries":[{"name":"b","policy":{"Statement":"x"}}]`), `permissions boundary "b", Statement: is "x"`},
		"a malformed document in a level": {
			caseWith(`,"scps":[{"orgIdentifier":"r-1","policies":[]},{"orgIdentifier":"ou-2","policies":[{"name":"s","policy":[]}]}]`), `SCP "s" of level "ou-2": is an array`},
		"a name twice in a case":     {caseWith(`,"request":{}`), `case, request: "request" is given twice`},
		"a name twice in a document": {caseWith(`,"resourcePolicy":{"Version":"2012-10-17","Version":"2012-10-17"}`), `resource policy, Version: "Version" is given twice in the same object`},
		"a name twice in a level's document": {
			caseWith(`,"scps":[{"orgIdentifier":"ou","policies":[{"name":"s","policy":{"Statement":[{"Sid":"A","Effect":"Deny","Action":"s3:*","Action":"*","Resource":"*"}]}}]}]`),
			`SCP "s" of level "ou", statement 0 (Sid "A"), Action: "Action" is given twice in the same object`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readWhole([]byte(test.line))
			var malformed MalformedError
			if !errors.As(err, &malformed) {
				t.Fatalf("readCase(%s) = %v, want a MalformedError", test.line, err)
			}
			if got := err.Error(); !strings.HasPrefix(got, test.want) {
				t.Errorf("got  %s\nwant %s…", got, test.want)
			}
		})
	}
}

func TestReadCaseFindsTheIDOfAMalformedLine(t *testing.T) {
	for name, test := range map[string]struct {
		line string
		want string // the id; "" for none
	}{
		"a wrong type elsewhere":           {`{"request":1,"id":"7"}`, "7"},
		"a name twice":                     {`{"request":1,"request":1,"id":"7"}`, "7"},
		"a text that breaks behind the id": {`{"request":{},"id":"7","identityPolicies":[`, "7"},
		"a text that breaks before the id": {`{"request":{,"id":"7"}`, ""},
		"an id inside something else":      {`{"request":{"id":"7"},`, ""},
		"an id that is no string":          {`{"id":7,`, ""},
		"no object":                        {`"id"`, ""},
		"nothing":                          {``, ""},
	} {
		t.Run(name, func(t *testing.T) {
			q, err := readWhole([]byte(test.line))
			id := q.id
			if err == nil {
				t.Fatal("no error")
			}
			got := ""
			if id != nil {
				got = *id
			}
			if got != test.want {
				t.Errorf("id %q, want %q", got, test.want)
			}
		})
	}
}

func TestACaseReadsAsItsJSON(t *testing.T) {
	document := json.RawMessage(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`)
	bucket := json.RawMessage(`{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}`)
	for name, given := range map[string]Case{
		"the least": {Request: Request{Principal: "anonymous", Action: "s3:GetObject", Resource: Resource{ARN: "arn:aws:s3:::b", AccountID: "987654321098"}}},
		"everything": {
			ID: "1",
			Request: Request{Principal: "arn:aws:iam::123456789012:user/u", Action: "sqs:SendMessage",
				Resource: Resource{ARN: "arn:aws:sqs:eu-central-1:987654321098:q"},
				Context:  map[string]any{"aws:SecureTransport": true, "aws:TagKeys": []string{"a", "b"}, "aws:x": "y", "aws:n": []any{"1", 2}}},
			IdentityPolicies:     []NamedPolicy{{Name: "p", Policy: document}, {Name: "q", Policy: document}},
			ResourcePolicy:       bucket,
			PermissionBoundaries: []NamedPolicy{{Name: "b", Policy: document}},
			SessionPolicy:        document,
			SCPs:                 []Level{{OrgIdentifier: "r", Policies: []NamedPolicy{{Name: "s", Policy: document}}}, {OrgIdentifier: "ou", Policies: nil}},
			RCPs:                 []Level{{OrgIdentifier: "r", Policies: []NamedPolicy{{Name: "s", Policy: bucket}}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := given.question()
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(given)
			if err != nil {
				t.Fatal(err)
			}
			// Go's nil slice is JSON's null; the format wants an array.
			line := strings.NewReplacer(`"identityPolicies":null`, `"identityPolicies":[]`, `"policies":null`, `"policies":[]`).Replace(string(text))
			want, err := readWhole([]byte(line))
			if err != nil {
				t.Fatal(err)
			}
			if got.request.Compare(want.request) != 0 {
				t.Errorf("got  %v\nwant %v", got.request, want.request)
			}
			if got, want := fmt.Sprintf("%s", layersOf(got)), fmt.Sprintf("%s", layersOf(want)); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestACaseNamesEveryMalformedPart(t *testing.T) {
	given := Case{
		Request: Request{Principal: "x", Action: "s3:GetObject", Resource: Resource{ARN: "arn:aws:s3:::b"},
			Context: map[string]any{"aws:x": make(chan int)}},
		IdentityPolicies: []NamedPolicy{{Name: "p"}, {Name: "q", Policy: json.RawMessage(`{"Statement":[{"Effect":"allow","Action":"*","Resource":"*"}]}`)}},
		ResourcePolicy:   json.RawMessage(`{"Version":1,"Version":2}`),
	}
	q, err := given.question()
	err = withDocuments(q, err)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`identity policy "p": is empty`,
		`identity policy "q", statement 0, Effect: "allow" is neither`,
		`resource policy, Version: "Version" is given twice`,
		`request.principal: "x" is no principal`,
		`request.resource.accountId: is missing`,
		`request.context.aws:x: is a chan int`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}
