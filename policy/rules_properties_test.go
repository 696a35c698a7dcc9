package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// These hold the rules to the evaluator: what a rule lets pass is tried with requests, and what it finds has a witness that gets through.

type tree = map[string]any

// drawn makes bucket policies of what people write, and of what it can be disguised as.
type drawn struct{ *rapid.T }

func (d drawn) one(label string, from ...any) any { return rapid.SampledFrom(from).Draw(d.T, label) }

const drawnBucket = "arn:aws:s3:::b"

func (d drawn) resource() tree {
	both := []any{drawnBucket, drawnBucket + "/*"}
	return d.one("resource",
		tree{"Resource": both}, tree{"Resource": both}, tree{"Resource": "*"}, tree{"Resource": drawnBucket + "*"},
		tree{"Resource": drawnBucket}, tree{"Resource": drawnBucket + "/*"}, tree{"Resource": []any{drawnBucket + "/*", drawnBucket + "/?"}},
		tree{"Resource": "arn:aws:s3:::c/*"}, tree{"NotResource": drawnBucket + "/public/*"}, tree{"NotResource": "arn:aws:s3:::c/*"},
	).(tree)
}

func (d drawn) action() tree {
	return d.one("action",
		tree{"Action": "s3:*"}, tree{"Action": "S3:*"}, tree{"Action": []any{"s3:*"}}, tree{"Action": "*"}, tree{"Action": "s3:?*"},
		tree{"Action": []any{"s3:GetObject", "s3:PutObject"}}, tree{"Action": "s3:Get*"}, tree{"NotAction": "s3:GetObject"},
		tree{"NotAction": "ec2:*"}, tree{"Action": []any{"s3:PutObject*", "s3:List*"}},
	).(tree)
}

// denyOfHTTP is a Deny that looks as if it were about plain http.
func (d drawn) denyOfHTTP() tree {
	statement := tree{"Effect": "Deny"}
	for _, part := range []tree{d.resource(), d.action(), d.one("whom",
		tree{"Principal": "*"}, tree{"Principal": "*"}, tree{"Principal": tree{"AWS": "*"}}, tree{"Principal": tree{"AWS": []any{"*"}}},
		tree{"Principal": tree{"AWS": "arn:aws:iam::123456789012:role/R"}}, tree{"NotPrincipal": tree{"AWS": "arn:aws:iam::123456789012:role/R"}},
		tree{"NotPrincipal": tree{"AWS": "arn:aws:iam::987654321098:user/U"}}, tree{"Principal": tree{"AWS": "987654321098"}},
	).(tree)} {
		for element, value := range part {
			statement[element] = value
		}
	}
	key := d.one("key", "aws:SecureTransport", "aws:securetransport", "AWS:SecureTransport").(string)
	condition := d.one("condition",
		tree{"Bool": tree{key: "false"}}, tree{"Bool": tree{key: "false"}}, tree{"Bool": tree{key: false}}, tree{"Bool": tree{key: []any{"false"}}},
		tree{"BoolIfExists": tree{key: "false"}}, tree{"StringEquals": tree{key: "false"}}, tree{"StringNotEquals": tree{key: "true"}},
		tree{"StringLike": tree{key: "f*"}}, tree{"Bool": tree{key: "true"}}, tree{"Bool": tree{key: []any{"true", "false"}}},
		tree{"Null": tree{key: "true"}}, tree{"Null": tree{key: "false"}}, tree{},
		tree{"Bool": tree{key: "false"}, "StringEquals": tree{"aws:PrincipalOrgID": "o-1"}},
		tree{"Bool": tree{key: "false"}, "StringNotEquals": tree{"aws:PrincipalOrgID": "o-1"}},
		tree{"Bool": tree{key: "false"}, "IpAddress": tree{"aws:SourceIp": "203.0.113.0/24"}},
		tree{"Bool": tree{key: "false"}, "NotIpAddress": tree{"aws:SourceIp": "203.0.113.0/24"}},
		tree{"Bool": tree{key: "false", "aws:ViaAWSService": "false"}},
		tree{"Bool": tree{key: "false"}, "BoolIfExists": tree{"aws:PrincipalIsAWSService": "false"}},
		tree{"Bool": tree{key: "false"}, "StringNotEquals": tree{"aws:userid": "AIDAEXAMPLE0000000000"}},
		tree{"Bool": tree{key: "false"}, "StringEquals": tree{"aws:userid": "AIDAEXAMPLE0000000000"}},
		tree{"Bool": tree{key: "false"}, "IpAddressIfExists": tree{"aws:SourceIp": []any{"0.0.0.0/0", "::/0"}}},
		tree{"Bool": tree{key: "false"}, "IpAddressIfExists": tree{"aws:SourceIp": "128.0.0.0/1"}},
		tree{"Bool": tree{key: "false"}, "NotIpAddress": tree{"aws:SourceIp": "192.0.0.0/8"}},
		tree{"NumericLessThanIfExists": tree{"s3:TlsVersion": "1.2"}}, tree{"NumericLessThan": tree{"s3:TlsVersion": "1.2"}},
	).(tree)
	if len(condition) > 0 {
		statement["Condition"] = condition
	}
	return statement
}

// plainRequests are requests over plain http: for each kind of principal, a few actions and what can be told of them.
func plainRequests() []Request {
	var requests []Request
	for _, principal := range []string{
		"anonymous", "arn:aws:sts::123456789012:assumed-role/R/s", "arn:aws:sts::111122223333:assumed-role/Q/s", "arn:aws:iam::987654321098:user/U",
		"cloudtrail.amazonaws.com",
	} {
		for _, on := range [][2]string{
			{"s3:GetObject", drawnBucket + "/k"}, {"s3:PutObject", drawnBucket + "/public/k"}, {"s3:GetObject", drawnBucket + "/z"},
			{"s3:DeleteObject", drawnBucket + "/dir/k"}, {"s3:ListBucket", drawnBucket}, {"s3:PutBucketPolicy", drawnBucket},
		} {
			for _, context := range []map[string]any{
				{}, {"aws:PrincipalOrgID": "o-1", "aws:SourceIp": "203.0.113.9"}, {"aws:PrincipalOrgID": "o-2", "aws:SourceIp": "192.0.2.9"},
				{"aws:ViaAWSService": "true", "aws:SourceIp": "203.0.113.9"}, {"aws:ViaAWSService": "false"},
				{"aws:userid": "AIDAEXAMPLE0000000000", "aws:SourceIp": "2.0.0.9"}, {"aws:PrincipalIsAWSService": "true"},
			} {
				given := map[string]any{"aws:SecureTransport": "false"}
				for key, value := range context {
					given[key] = value
				}
				requests = append(requests, Request{
					Principal: principal, Action: on[0], Resource: Resource{ARN: on[1], AccountID: "987654321098"}, Context: given,
				})
			}
		}
	}
	return requests
}

// judgeBucket returns the findings of one rule about a bucket policy.
func judgeBucket(t *testing.T, rules *Rules, document []byte, rule string) []Finding {
	judged, err := rules.Check(t.Context(), File{Contents: json.RawMessage(preview(t, string(document)))})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(judged.Findings, func(f Finding) bool { return f.Rule != rule })
}

// decide decides a request of somebody whose own policies allow everything.
func decide(t *testing.T, engine *Engine, request Request, document []byte) Decision {
	result, err := engine.Decide(t.Context(), Case{
		Request: request, ResourcePolicy: document,
		IdentityPolicies: []NamedPolicy{{Name: "own", Policy: json.RawMessage(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)}},
	})
	if err != nil {
		t.Fatalf("%+v: %v", request, err)
	}
	return result.Decision
}

func TestTransportIsWhatTheEvaluatorDenies(t *testing.T) {
	rules := testRules(t)
	engine, err := New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	requests := plainRequests()
	rapid.Check(t, func(rt *rapid.T) {
		d := drawn{rt}
		var statements []any
		for range rapid.IntRange(1, 3).Draw(rt, "statements") {
			statements = append(statements, d.denyOfHTTP())
		}
		document, err := json.Marshal(tree{"Version": "2012-10-17", "Statement": statements})
		if err != nil {
			rt.Fatal(err)
		}
		found := judgeBucket(t, rules, document, "secure-transport")
		if len(found) > 0 {
			w := found[0].Witness
			request := Request{Principal: w.Principal, Action: w.Action, Resource: Resource{ARN: w.Resource, AccountID: "987654321098"}, Context: w.Context}
			if decision := decide(t, engine, request, document); decision == ExplicitlyDenied {
				rt.Fatalf("%s\nthe witness %+v is denied", document, w)
			}
			return
		}
		for _, request := range requests {
			if decision := decide(t, engine, request, document); decision != ExplicitlyDenied {
				rt.Fatalf("%s\npasses, but %+v is %s", document, request, decision)
			}
		}
	})
}

// strangersConditions are conditions with how well they bound a caller: 2 where a stranger gets in, 1 where only something weak stands in
// the way, 0 where they bound who it can be.
var strangersConditions = []struct {
	operator, key string
	wanted        any
	open          int
}{
	{"StringEquals", "aws:PrincipalOrgID", "o-1", 0},
	{"StringEquals", "aws:principalorgid", []any{"o-1", "o-2"}, 0},
	{"StringLike", "aws:PrincipalOrgID", "o-*", 2},
	{"StringNotEquals", "aws:PrincipalOrgID", "o-1", 2},
	{"StringEqualsIfExists", "aws:PrincipalOrgID", "o-1", 2},
	{"ForAllValues:StringLike", "aws:PrincipalOrgPaths", "o-1/*", 2},
	{"ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-1/*", 0},
	{"StringEquals", "aws:PrincipalAccount", "123456789012", 0},
	{"ArnLike", "aws:PrincipalArn", "arn:aws:iam::123456789012:role/*", 0},
	{"ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/admin", 2},
	{"StringEquals", "aws:SourceVpce", "vpce-1", 0},
	{"StringEquals", "aws:SourceVpc", []any{"vpc-1"}, 0},
	{"StringNotEquals", "aws:SourceVpce", "vpce-1", 2},
	{"IpAddress", "aws:SourceIp", "203.0.113.0/24", 1},
	{"IpAddress", "aws:SourceIp", []any{"0.0.0.0/1", "128.0.0.0/1"}, 2},
	{"NotIpAddress", "aws:SourceIp", "203.0.113.0/24", 2},
	{"StringLike", "aws:Referer", "https://example.com/*", 1},
	{"StringEquals", "aws:UserAgent", "secret", 1},
	{"Bool", "aws:SecureTransport", "true", 2},
	{"StringEquals", "s3:x-amz-acl", "bucket-owner-full-control", 2},
	{"StringLike", "s3:prefix", "home/*", 2},
	{"StringEquals", "aws:PrincipalTag/team", "a", 2},
	{"StringEquals", "aws:ResourceAccount", "987654321098", 2},
	{"Null", "aws:PrincipalOrgID", "false", 2},
	{"DateGreaterThan", "aws:CurrentTime", "2026-01-01T00:00:00Z", 2},
	{"StringEqualsIfExists", "aws:PrincipalAccount", "123456789012", 0},
	{"StringLike", "aws:PrincipalArn", "*:role/Admin", 2},
	{"StringLike", "aws:PrincipalArn", "arn:aws:iam::*123456789012*", 2},
	{"StringLike", "aws:userid", "*admin*", 2},
	{"StringLike", "aws:userid", "AROAEXAMPLE0000000000:*", 0},
	{"StringLike", "aws:SourceVpce", "vpce-?????????????????", 2},
	{"StringEquals", "aws:VpceOrgID", "o-1", 0},
	{"StringEquals", "aws:SourceOwner", "123456789012", 0},
	{"StringEquals", "sts:ExternalId", "x", 1},
	{"IpAddress", "aws:SourceIp", []any{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"}, 1},
	{"IpAddress", "aws:SourceIp", "2000::/3", 2},
	{"IpAddressIfExists", "aws:SourceIp", "203.0.113.0/24", 2},
}

// What an address excludes: a request that comes through the endpoint of a VPC has none.
var doors = []string{"aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:vpceorgid"}

// opposites are the operators that hold where the other does not, for a request without the key as well.
var opposites = map[string]string{
	"StringEquals": "StringNotEquals", "StringLike": "StringNotLike", "ArnLike": "ArnNotLike", "IpAddress": "NotIpAddress",
}

// Conditions bound together: the best of them decides, however the policy spells it.
func TestWildcardPrincipalsAreAsOpenAsTheirConditions(t *testing.T) {
	rules := testRules(t)
	rapid.Check(t, func(rt *rapid.T) {
		d := drawn{rt}
		conditions := tree{}
		open := 2
		keys := map[string]bool{}
		for range rapid.IntRange(0, 3).Draw(rt, "conditions") {
			c := rapid.SampledFrom(strangersConditions).Draw(rt, "condition")
			key := strings.ToLower(c.key)
			if strings.HasPrefix(key, "aws:principalorg") {
				key = "aws:principalorg" // Who has the one has the other, so that they bound together what each does not.
			}
			if slices.Contains(doors, key) {
				key = "a door" // They are not independent of each other.
			}
			if keys[key] || conditions[c.operator] != nil {
				continue
			}
			keys[key] = true
			conditions[c.operator] = tree{c.key: c.wanted}
			open = min(open, c.open)
		}
		statement := tree{
			"Effect": "Allow", "Resource": drawnBucket + "/*", "Action": d.one("action", "s3:GetObject", []any{"s3:GetObject", "s3:PutObject"}),
			"Principal": d.one("principal", "*", tree{"AWS": "*"}, tree{"AWS": []any{"arn:aws:iam::123456789012:role/R", "*"}}),
		}
		statements := []any{statement}
		for _, operator := range slices.Sorted(maps.Keys(conditions)) {
			condition := conditions[operator]
			if opposite := opposites[operator]; opposite != "" && rapid.Bool().Draw(rt, "by a Deny") {
				delete(conditions, operator)
				statements = append(statements, tree{
					"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": tree{opposite: condition},
				})
			}
		}
		if len(conditions) > 0 {
			statement["Condition"] = conditions
		}
		document, err := json.Marshal(tree{"Version": "2012-10-17", "Statement": statements})
		if err != nil {
			rt.Fatal(err)
		}
		want := []Severity{Medium, High, Critical}[open]
		found := judgeBucket(t, rules, document, "wildcard-principal")
		if len(found) != 1 || found[0].Severity != want {
			rt.Fatalf("%s\nis %s, want %s", document, fmt.Sprint(found), want)
		}
	})
}
