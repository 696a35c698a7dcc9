package policy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/rego"

	"cross-account-s3/policy"
)

// The table of cases for the specification of how AWS decides a request. Its sections stand in the files specification_*_test.go, in the order of the
// specification, whose sentences are listed below, so that the two can be held side by side: every sentence has examples in which it decides the answer
// (positive), and examples just beyond its reach (negative).

// sentence is one sentence of the specification with its examples.
type sentence struct {
	heading            string
	positive, negative examples
}

type examples []example

// example is one case and its answer.
type example struct {
	what string // what is special about it, within its sentence
	want policy.Decision
	c    policy.Case
}

// The answers, and what stands for one where the document is refused: the engine gives an error that is a policy.MalformedError.
const (
	allowed      = policy.Allowed
	explicit     = policy.ExplicitlyDenied
	implicit     = policy.ImplicitlyDenied
	undetermined = policy.Undetermined
	malformed    = policy.Decision("an error")
)

// specification is the whole table.
func specification() []sentence {
	return slices.Concat(
		decisionSentences(), principalSentences(), actionSentences(), resourceSentences(), variableSentences(),
		conditionSentences(), unsettledSentences(),
	)
}

func TestSpecification(t *testing.T) {
	engine := newEngine(t)
	for _, sentence := range specification() {
		for kind, examples := range sentence.kinds() {
			for _, example := range examples {
				t.Run(sentence.heading+"/"+kind+"/"+example.what, func(t *testing.T) {
					result, err := engine.Decide(context.Background(), example.c)
					if got := answer(result, err); got != example.want {
						t.Errorf("got %s, want %s (%v)\n%s", got, example.want, err, line(t, example.c))
					}
				})
			}
		}
	}
}

// A case given as a line of JSON must be answered as the same case given as a Go value.
func TestSpecificationAsJSON(t *testing.T) {
	engine := newEngine(t)
	for _, sentence := range specification() {
		for kind, examples := range sentence.kinds() {
			for _, example := range examples {
				_, result, err := engine.DecideJSON(context.Background(), line(t, example.c), false)
				if got := answer(result, err); got != example.want {
					t.Errorf("%s/%s/%s: got %s, want %s (%v)", sentence.heading, kind, example.what, got, example.want, err)
				}
			}
		}
	}
}

// Every sentence of the specification is in the table, with a positive and a negative example, and nothing else is.
func TestSpecificationIsComplete(t *testing.T) {
	var headings []string
	for _, sentence := range specification() {
		headings = append(headings, sentence.heading)
		for kind, examples := range sentence.kinds() {
			if len(examples) == 0 {
				t.Errorf("%s: no %s example", sentence.heading, kind)
			}
			seen := map[string]bool{}
			for _, example := range examples {
				if seen[example.what] {
					t.Errorf("%s: two %s examples are called %q", sentence.heading, kind, example.what)
				}
				seen[example.what] = true
			}
		}
	}
	if !slices.Equal(headings, sentences) {
		for i := range max(len(headings), len(sentences)) {
			if i >= len(headings) || i >= len(sentences) || headings[i] != sentences[i] {
				t.Fatalf("the table and the list of sentences part at number %d:\ntable: %q\nlist:  %q",
					i, headings[min(i, len(headings)):], sentences[min(i, len(sentences)):])
			}
		}
	}
}

// sentences are the sentences of the specification, in its order.
var sentences = []string{
	"Decision 1: any matching Deny in any applicable policy is an explicit deny",
	"Decision 2: every SCP level of the principal's account must Allow",
	"Decision 2: SCPs do not bind service principals",
	"Decision 2: RCPs carry an implicit Allow and can only deny",
	"Decision 3: limited means that the permissions boundary Allows, if attached",
	"Decision 3: limited means that the session policy Allows, if present",
	"Decision 4: cross-account needs identity policy Allow AND limited AND a resource-policy Allow",
	"Decision 4: the resource policy names *, the account, the role, the session or the user",
	"Decision 4: nothing stands in for either side",
	"Decision 5: user ARN, session ARN or * is allowed; boundary, session policy and missing identity policy do not matter",
	"Decision 5: role ARN is allowed if limited; no identity policy needed",
	"Decision 5: account id or :root only delegates",
	"Decision 5: otherwise identity Allow AND limited",
	"Decision 6: for a KMS key an identity Allow counts only if the key policy admits the account",
	"Decision 6: for a role an identity Allow counts only if the trust policy admits the account",
	"Decision 6: naming the principal directly is enough by itself",
	"Decision 7: for a service principal the resource policy alone decides",
	"Decision 7: for an anonymous request the resource policy alone decides",
	"Decision 8: otherwise implicit deny",
	"Decision 8: sts:GetCallerIdentity is always allowed",

	`Principal: "*" is {"AWS":"*"}`,
	"Principal: an account id is its :root ARN",
	"Principal: no partial wildcards",
	"Principal: map entries and arrays are ORed",
	"Principal: a session matches the role ARN with any path, of the same account and partition",
	"Principal: a session matches its own exact ARN",
	"Principal: for a session aws:PrincipalArn is the role ARN",
	"Principal: NotPrincipal is for Deny only",
	"Principal: NotPrincipal exempts a session only if it lists account, role and session",

	"Action: case-insensitive, service prefix and name",
	"Action: * is any run",
	"Action: ? is exactly one character",
	"Action: NotAction inverts",

	"Resource: split on the first five colons, glob each component",
	"Resource: the sixth component takes the rest, / and : included",
	"Resource: case-sensitive",
	"Resource: * alone matches everything",
	"Resource: arn:aws:s3:::b does not cover b/*",
	"Resource: NotResource inverts",
	"Resource: variables only after the fifth colon",
	"Resource: a variable without a value matches no resource",
	"Resource: a variable without a value excludes nothing under NotResource",

	"Policy variables: only with Version 2012-10-17, otherwise literal text",
	"Policy variables: ${key}",
	"Policy variables: ${key, 'default'}",
	"Policy variables: ${*}, ${?}, ${$}",
	"Policy variables: key names are case-insensitive",
	"Policy variables: single-valued keys only",
	"Policy variables: String and Arn operators only",

	"Conditions: operators AND",
	"Conditions: keys AND",
	"Conditions: values OR",
	"Conditions: negated operators are NOR: no value may match",
	"Conditions: key names are case-insensitive",
	"Conditions: missing key: positive operator is false",
	"Conditions: missing key: negated operator is true",
	"Conditions: missing key: any IfExists is true",
	"Conditions: Null:true is true for a missing key",
	"Conditions: Null:false is false for a missing key",
	"Conditions: ForAllValues: every request value passes",
	"Conditions: ForAllValues: missing or empty is true",
	"Conditions: ForAnyValue: at least one passes",
	"Conditions: ForAnyValue: missing or empty is false",
	"Conditions: multivalued keys need one of the two",
	"Conditions: String Equals: case-sensitive, no wildcards",
	"Conditions: String IgnoreCase",
	"Conditions: String Like globs case-sensitively over the whole value",
	"Conditions: Arn Equals is Like",
	"Conditions: Arn NotEquals is NotLike",
	"Conditions: Arn: six components matched one by one, case-sensitive",
	"Conditions: Bool: compared case-insensitively",
	"Conditions: JSON booleans and numbers in a policy count as their text",
	"Conditions: Numeric: integers and decimals",
	"Conditions: Date: ISO 8601 or epoch seconds",
	"Conditions: IP: CIDR v4 and v6",
	"Conditions: IP: bare v4 is /32",
	"Conditions: IP: /0 matches everything of its family",
	"Conditions: IP: a family mismatch is no match",
	"Conditions: a variable without a value never equals: positive is false, negated is true",

	"Not settled: wildcards in the resource-type part",
	"Not settled: * crossing colons in the middle of an ARN",
	"Not settled: letter case in partition, service, region, account or role names",
	"Not settled: NotPrincipal with Allow",
	"Not settled: ForAnyValue with a negated operator over several values",
	"Not settled: a multivalued key without a set operator",
	"Not settled: wildcards inside a variable's value",
	"Not settled: malformed numbers",
	"Not settled: malformed dates",
	"Not settled: malformed ARNs",
	"Not settled: empty values",
	"Not settled: BinaryEquals",
	"Not settled: unique-id principals",
	"Not settled: a value that is not known yet",
	"Not settled: a document that AWS would refuse",
	"Not settled: several permissions boundaries that disagree",
}

// lineExample is a case as one line of JSON, and its answer.
type lineExample struct {
	what, line string
	want       policy.Decision
}

// caseFormat are examples of what the format of a case allows: one level of SCPs and RCPs as a flat array, and the optional parts left out.
func caseFormat() []lineExample {
	const head = `{"id": "1", "request": {"principal": "arn:aws:sts::123456789012:assumed-role/R/s", "action": "s3:GetObject",
		"resource": {"resource": "arn:aws:s3:::b/k", "accountId": "123456789012"},
		"context": {"aws:SecureTransport": "true", "aws:PrincipalOrgPaths": ["o-1/r-1/"]}},`
	policyOf := func(name, effect, more string) string {
		return `{"name": "` + name + `", "policy": {"Version": "2012-10-17", "Statement": {"Effect": "` + effect + `", "Action": "*", "Resource": "*"` +
			more + `}}}`
	}
	allow, deny, says := policyOf("a", "Allow", ""), policyOf("d", "Deny", ""), `{"name": "none", "policy": {}}`
	rcp := policyOf("r", "Deny", `, "Principal": "*", "Condition": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-1/*"}}`)
	level := func(policies string) string { return `{"orgIdentifier": "ou", "policies": [` + policies + `]}` }
	identity := `"identityPolicies": [` + allow + `]`

	examples := []lineExample{
		{"only request and identityPolicies are required", identity, allowed},
		{"no identity policy", `"identityPolicies": []`, implicit},
		{"flat SCPs are one level: one of them is enough", identity + `, "scps": [` + allow + `, ` + says + `]`, allowed},
		{"flat SCPs: a Deny beside the Allow", identity + `, "scps": [` + allow + `, ` + deny + `]`, explicit},
		{"flat SCPs that say nothing", identity + `, "scps": [` + says + `]`, implicit},
		{"no SCPs", identity + `, "scps": []`, allowed},
		{"several levels of SCPs", identity + `, "scps": [` + level(allow) + `, ` + level(allow) + `]`, allowed},
		{"several levels of SCPs, one of which says nothing", identity + `, "scps": [` + level(allow) + `, ` + level(says) + `]`, implicit},
		{"a level without policies", identity + `, "scps": [` + level("") + `]`, implicit},
		{"a level without policies before one that allows", identity + `, "scps": [` + level("") + `, ` + level(allow) + `]`, implicit},
		{"flat RCPs", identity + `, "rcps": [` + rcp + `]`, explicit},
		{"flat RCPs that say nothing", identity + `, "rcps": [` + says + `]`, allowed},
		{"levels of RCPs", identity + `, "rcps": [` + level("") + `, ` + level(rcp) + `]`, explicit},
		{"policies that say nothing", `"identityPolicies": [` + says + `], "resourcePolicy": {}, "permissionBoundaries": [` + says + `],
			"sessionPolicy": {}, "scps": [` + says + `], "rcps": [` + says + `]`, implicit},
	}
	for i := range examples {
		examples[i].line = head + examples[i].line + "}"
	}
	return examples
}

func TestCaseFormat(t *testing.T) {
	engine := newEngine(t)
	for _, example := range caseFormat() {
		t.Run(example.what, func(t *testing.T) {
			id, result, err := engine.DecideJSON(context.Background(), []byte(example.line), false)
			if got := answer(result, err); got != example.want {
				t.Errorf("got %s, want %s (%v)", got, example.want, err)
			}
			if id == nil || *id != "1" {
				t.Errorf("the answer must carry the case's id, got %v", id)
			}
		})
	}
}

// Stock OPA gives the same answers with the modules alone; where the engine refuses a document, the modules allow nothing.
func TestSpecificationInOPA(t *testing.T) {
	query := prepareModules(t, modulesOnDisk(t))
	for _, sentence := range specification() {
		for kind, examples := range sentence.kinds() {
			for _, example := range examples {
				if wrong := wrongInOPA(t, query, line(t, example.c), example.want); wrong != "" {
					t.Errorf("%s/%s/%s: %s", sentence.heading, kind, example.what, wrong)
				}
			}
		}
	}
	for _, example := range caseFormat() {
		if wrong := wrongInOPA(t, query, []byte(example.line), example.want); wrong != "" {
			t.Errorf("%s: %s", example.what, wrong)
		}
	}
}

// modulesOnDisk are the texts of the Rego modules, by file name, without their tests.
func modulesOnDisk(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("*.rego")
	if err != nil {
		t.Fatal(err)
	}
	modules := map[string]string{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.rego") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		modules[name] = string(text)
	}
	return modules
}

// prepareModules compiles modules for the question of the decision on a case.
func prepareModules(t *testing.T, modules map[string]string) rego.PreparedEvalQuery {
	t.Helper()
	options := []func(*rego.Rego){rego.Query("data.iam.decision.decision")}
	for name, text := range modules {
		options = append(options, rego.Module(name, text))
	}
	query, err := rego.New(options...).PrepareForEval(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return query
}

// wrongInOPA says what is wrong with the modules' answer to a case, and nothing if it is right.
func wrongInOPA(t *testing.T, query rego.PreparedEvalQuery, line []byte, want policy.Decision) string {
	t.Helper()
	var input any
	if err := json.Unmarshal(line, &input); err != nil {
		t.Fatal(err)
	}
	results, err := query.Eval(context.Background(), rego.EvalInput(input))
	if err != nil {
		return err.Error()
	}
	if len(results) != 1 {
		return "no decision"
	}
	got, _ := results[0].Expressions[0].Value.(string)
	if decision := policy.Decision(got); decision == want || want == malformed && decision != allowed {
		return ""
	}
	return fmt.Sprintf("got %s, want %s\n%s", got, want, line)
}

func (s sentence) kinds() iter.Seq2[string, examples] {
	return func(yield func(string, examples) bool) {
		_ = yield("positive", s.positive) && yield("negative", s.negative)
	}
}

func answer(result policy.Result, err error) policy.Decision {
	var refused policy.MalformedError
	switch {
	case errors.As(err, &refused):
		return malformed
	case err != nil:
		return policy.Decision(err.Error())
	}
	return result.Decision
}

func newEngine(t testing.TB) *policy.Engine {
	t.Helper()
	engine, err := policy.New(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

func line(t testing.TB, c policy.Case) []byte {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The cast. A is the account of the principals, B the account of the resources, C has nothing to do with either.
const (
	accountA = "123456789012"
	accountB = "987654321098"
	accountC = "111122223333"

	rootA   = "arn:aws:iam::" + accountA + ":root"
	roleR   = "arn:aws:iam::" + accountA + ":role/R"
	session = "arn:aws:sts::" + accountA + ":assumed-role/R/s"
	userU   = "arn:aws:iam::" + accountA + ":user/U"
	service = "lambda.amazonaws.com"

	bucket = "arn:aws:s3:::b"
	object = "arn:aws:s3:::b/k"
	key    = "arn:aws:kms:us-east-1:" + accountB + ":key/1234abcd"
	target = "arn:aws:iam::" + accountB + ":role/T"
)

// change is one way in which a case differs from the plain one.
type change func(*policy.Case)

// cross is the plain case: a session of role R in account A reads an object in account B, and both sides allow it. A statement without parts of its own
// (allow(), deny()) is about every action and resource, and in a resource policy about role R.
func cross(changes ...change) policy.Case {
	c := policy.Case{
		ID: "1",
		Request: policy.Request{
			Principal: session, Action: "s3:GetObject", Resource: policy.Resource{ARN: object, AccountID: accountB},
			Context: map[string]any{},
		},
	}
	for _, change := range append([]change{identity(allow()), resourcePolicy(allow())}, changes...) {
		change(&c)
	}
	return c
}

// same is the plain case within account A, where the identity policy is enough: the bucket has no policy.
func same(changes ...change) policy.Case {
	return cross(append([]change{in(accountA), noResourcePolicy}, changes...)...)
}

// decrypts is the plain case with a KMS key in place of the object.
func decrypts(account string, changes ...change) policy.Case {
	arn := "arn:aws:kms:us-east-1:" + account + ":key/1234abcd"
	return cross(append([]change{asks("kms:Decrypt"), on(arn), in(account)}, changes...)...)
}

// assumes is the plain case with a role in place of the object; its policy is a trust policy, which has no Resource.
func assumes(account string, changes ...change) policy.Case {
	arn := "arn:aws:iam::" + account + ":role/T"
	trust := resourcePolicy(allow(action("sts:AssumeRole"), without("Resource")))
	return cross(append([]change{asks("sts:AssumeRole"), on(arn), in(account), trust}, changes...)...)
}

// granted is the plain case in which the identity policy's Allow has other parts, such as a condition.
func granted(parts part, changes ...change) policy.Case {
	return cross(append([]change{identity(allow(parts))}, changes...)...)
}

// What the request is.
func as(principal string) change { return func(c *policy.Case) { c.Request.Principal = principal } }
func asks(action string) change  { return func(c *policy.Case) { c.Request.Action = action } }
func on(arn string) change       { return func(c *policy.Case) { c.Request.Resource.ARN = arn } }
func in(account string) change {
	return func(c *policy.Case) { c.Request.Resource.AccountID = account }
}
func noResourcePolicy(c *policy.Case) { c.ResourcePolicy = nil }
func noIdentity(c *policy.Case)       { c.IdentityPolicies = []policy.NamedPolicy{} }

// given puts a condition key with one value into the request, givenMany one that is multivalued.
func given(key, value string) change {
	return func(c *policy.Case) { c.Request.Context[key] = value }
}

func givenMany(key string, values ...string) change {
	return func(c *policy.Case) { c.Request.Context[key] = append([]string{}, values...) }
}

// all makes one change of several.
func all(changes ...change) change {
	return func(c *policy.Case) {
		for _, change := range changes {
			change(c)
		}
	}
}

// Which policies apply. Each replaces what the plain case has in that place.

func identity(statements ...statement) change { return identityDocument(document(statements...)) }

func identityDocument(document any) change {
	return func(c *policy.Case) { c.IdentityPolicies = []policy.NamedPolicy{named("identity", document)} }
}

func resourcePolicy(statements ...statement) change {
	return resourceDocument(document(forRole(statements)...))
}

func resourceDocument(document any) change {
	return func(c *policy.Case) { c.ResourcePolicy = text(document) }
}

func boundary(statements ...statement) change {
	return boundaries(statements)
}

func boundaries(each ...[]statement) change {
	return func(c *policy.Case) {
		c.PermissionBoundaries = nil
		for i, statements := range each {
			c.PermissionBoundaries = append(c.PermissionBoundaries, named(fmt.Sprint("boundary", i), document(statements...)))
		}
	}
}

func sessionPolicy(statements ...statement) change {
	return func(c *policy.Case) { c.SessionPolicy = text(document(statements...)) }
}

// scps are the service control policies, one level an argument, each statement in a policy of its own.
func scps(levels ...[]statement) change {
	return func(c *policy.Case) { c.SCPs = organization(levels) }
}

// rcps are the resource control policies, as scps; their statements are about everyone.
func rcps(levels ...[]statement) change {
	everyone := make([][]statement, len(levels))
	for i, statements := range levels {
		for _, s := range statements {
			everyone[i] = append(everyone[i], s.with(principal("*")))
		}
	}
	return func(c *policy.Case) { c.RCPs = organization(everyone) }
}

func level(statements ...statement) []statement { return statements }

func organization(levels [][]statement) []policy.Level {
	organization := []policy.Level{}
	for i, statements := range levels {
		level := policy.Level{OrgIdentifier: fmt.Sprint("level", i), Policies: []policy.NamedPolicy{}}
		for j, s := range statements {
			level.Policies = append(level.Policies, named(fmt.Sprint("policy", j), document(s)))
		}
		organization = append(organization, level)
	}
	return organization
}

// statement is one statement of a policy document, as in JSON.
type statement map[string]any

// part replaces or adds an element of a statement.
type part func(statement)

func allow(parts ...part) statement {
	return statement{"Effect": "Allow", "Action": "*", "Resource": "*"}.with(parts...)
}

func deny(parts ...part) statement {
	return statement{"Effect": "Deny", "Action": "*", "Resource": "*"}.with(parts...)
}

func (s statement) with(parts ...part) statement {
	s = maps.Clone(s)
	for _, part := range parts {
		part(s)
	}
	return s
}

func element(name string, value any) part { return func(s statement) { s[name] = value } }
func without(name string) part            { return func(s statement) { delete(s, name) } }

func instead(name, other string, values []string) part {
	return func(s statement) {
		delete(s, other)
		s[name] = oneOrMany(values)
	}
}

func action(patterns ...string) part      { return instead("Action", "NotAction", patterns) }
func notAction(patterns ...string) part   { return instead("NotAction", "Action", patterns) }
func resource(patterns ...string) part    { return instead("Resource", "NotResource", patterns) }
func notResource(patterns ...string) part { return instead("NotResource", "Resource", patterns) }

// principal is the Principal element as in JSON: "*", or a map. AWS and Service below make the maps.
func principal(value any) part { return element("Principal", value) }

func notPrincipal(arns ...string) part {
	return func(s statement) {
		delete(s, "Principal")
		s["NotPrincipal"] = aws(arns...)
	}
}

func aws(arns ...string) map[string]any       { return map[string]any{"AWS": oneOrMany(arns)} }
func services(names ...string) map[string]any { return map[string]any{"Service": oneOrMany(names)} }

// when adds a condition. Values are strings, or JSON booleans and numbers.
func when(operator, key string, values ...any) part {
	return func(s statement) {
		condition := map[string]any{}
		if given, ok := s["Condition"].(map[string]any); ok {
			condition = maps.Clone(given)
		}
		keys := map[string]any{}
		if given, ok := condition[operator].(map[string]any); ok {
			keys = maps.Clone(given)
		}
		keys[key] = oneOrMany(values)
		condition[operator] = keys
		s["Condition"] = condition
	}
}

// parts makes one part of several.
func parts(each ...part) part {
	return func(s statement) {
		for _, part := range each {
			part(s)
		}
	}
}

func oneOrMany[T any](values []T) any {
	if len(values) == 1 {
		return values[0]
	}
	return values
}

// forRole makes the statements of a resource policy that do not say whom they are about about role R.
func forRole(statements []statement) []statement {
	complete := make([]statement, len(statements))
	for i, s := range statements {
		complete[i] = s
		if s["Principal"] == nil && s["NotPrincipal"] == nil {
			complete[i] = s.with(principal(aws(roleR)))
		}
	}
	return complete
}

// document is a policy document of the current version; without statements it is the empty object, a policy that says nothing.
func document(statements ...statement) any {
	if len(statements) == 0 {
		return map[string]any{}
	}
	return versioned("2012-10-17", statements...)
}

// versioned is a policy document of another version, "" for none.
func versioned(version string, statements ...statement) any {
	document := map[string]any{"Statement": statements}
	if version != "" {
		document["Version"] = version
	}
	return document
}

func named(name string, document any) policy.NamedPolicy {
	return policy.NamedPolicy{Name: name, Policy: text(document)}
}

// text is a value as JSON; every value that the tests make has one.
func text(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}
