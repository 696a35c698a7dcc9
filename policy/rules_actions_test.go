package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// severityOfLevels are the severities of what a pattern covers, by the worst access level among it.
func severityOfLevels(covered map[string]bool) Severity {
	switch {
	case covered["Permissions management"]:
		return Critical
	case covered["Write"] || covered["Tagging"]:
		return High
	default:
		return Medium
	}
}

// A pattern is as bad as what it covers, in whatever letters it is written and wherever it stands; without the wildcard there is nothing
// to find but what the action itself hands over.
func TestActionsAreAsBroadAsWhatTheyCover(t *testing.T) {
	rules := testRules(t)
	text, err := ruleModules.ReadFile("catalogue/actions.json")
	if err != nil {
		t.Fatal(err)
	}
	var catalogue struct {
		Services map[string]struct {
			Actions map[string]struct{ Access string }
		}
	}
	if err := json.Unmarshal(text, &catalogue); err != nil {
		t.Fatal(err)
	}
	all := slices.Sorted(maps.Keys(catalogue.Services["s3"].Actions))

	rapid.Check(t, func(rt *rapid.T) {
		d := drawn{rt}
		name := rapid.SampledFrom(all).Draw(rt, "action")
		pattern := name
		switch d.one("disguise", "tail", "inside", "letter", "all").(string) {
		case "tail":
			pattern = name[:rapid.IntRange(1, len(name)).Draw(rt, "until")] + "*"
		case "inside":
			at := rapid.IntRange(1, len(name)-1).Draw(rt, "at")
			pattern = name[:at] + "*" + name[rapid.IntRange(at, len(name)-1).Draw(rt, "from"):]
		case "letter":
			at := rapid.IntRange(0, len(name)-1).Draw(rt, "at")
			pattern = name[:at] + "?" + name[at+1:]
		case "all":
			pattern = "*"
		}
		covers := regexp.MustCompile("^" + strings.NewReplacer("*", ".*", "?", ".").Replace(pattern) + "$")
		covered := map[string]bool{}
		for name, action := range catalogue.Services["s3"].Actions {
			if covers.MatchString(name) {
				covered[action.Access] = true
			}
		}

		spelt := d.one("case", "s3:"+pattern, "S3:"+pattern, "s3:"+strings.ToUpper(pattern), "s3:"+strings.ToLower(pattern)).(string)
		action := d.one("shape", spelt, []any{spelt}, []any{"sqs:SendMessage", spelt}, []any{spelt, "sqs:SendMessage"})
		statement := tree{"Effect": "Allow", "Principal": tree{"AWS": "arn:aws:iam::123456789012:role/R"}, "Action": action, "Resource": drawnBucket + "/*"}
		statements := d.one("beside",
			statement,
			[]any{statement},
			[]any{tree{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": tree{"Bool": tree{"aws:SecureTransport": "false"}}}, statement},
		)
		found := broadActions(t, rules, statements)
		if want := []string{string(severityOfLevels(covered))}; !slices.Equal(found, want) {
			rt.Fatalf("%v is found %v, want %v", statements, found, want)
		}

		statement["Action"] = "s3:" + name
		if found := broadActions(t, rules, []any{statement}); len(found) > 0 {
			rt.Fatalf("the action %s, named, is found %v", name, found)
		}
		statement["Action"], statement["Effect"] = action, "Deny"
		if found := broadActions(t, rules, []any{statement}); len(found) > 0 {
			rt.Fatalf("a Deny of %v is found %v", action, found)
		}
	})
}

// broadActions are the severities of what the rule about broad actions finds in a bucket policy.
func broadActions(t *testing.T, rules *Rules, statements any) []string {
	document, err := json.Marshal(tree{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		t.Fatal(err)
	}
	var severities []string
	for _, finding := range judgeBucket(t, rules, document, "broad-actions") {
		severities = append(severities, fmt.Sprint(finding.Severity))
	}
	return severities
}

// judgeRole returns the ids of the rules that find something in the policy of a role.
func judgeRole(t *testing.T, rules *Rules, statements any) []string {
	document, err := json.Marshal(tree{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		t.Fatal(err)
	}
	contents, err := json.Marshal(tree{"steps": []any{tree{"op": "create", "newState": tree{
		"urn": "urn:pulumi:a::p::aws:iam/rolePolicy:RolePolicy::x", "type": "aws:iam/rolePolicy:RolePolicy",
		"inputs": tree{"role": "R", "policy": string(document)},
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	judged, err := rules.Check(t.Context(), File{Contents: contents})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, finding := range judged.Findings {
		found[finding.Rule] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// spelledGrants are statements with what is wrong with each, however it is spelt.
var spelledGrants = []struct {
	action, resource string
	want             string
}{
	{"s3:GetObject", "arn:aws:s3:::b/*", ""},
	{"s3:GetObject", "arn:aws:s3:::b*", ""},
	{"s3:GetObject", "*", "broad-resources"},
	{"s3:GetObject", "arn:aws:s3:::*/*", "broad-resources"},
	{"s3:ListAllMyBuckets", "*", ""},
	{"kms:Decrypt", "arn:aws:kms:*:*:key/*", "broad-resources"},
	{"kms:Decrypt", "arn:aws:kms:us-east-1:987654321098:key/1234", ""},
	{"kms:CreateGrant", "arn:aws:kms:us-east-1:987654321098:key/1234", "control-actions"},
	{"s3:PutBucketPolicy", "arn:aws:s3:::b", "control-actions"},
	{"s3:ListBucket", "arn:aws:s3:::b/*", "misplaced-action"},
	{"s3:GetObject", "arn:aws:s3:::b", "misplaced-action"},
	{"iam:PutRolePolicy", "arn:aws:iam::123456789012:role/X", "control-actions"},
	{"iam:PassRole", "arn:aws:iam::123456789012:role/X", ""},
	{"iam:PassRole", "arn:aws:iam::123456789012:role/*", "control-actions"},
	{"sts:AssumeRole", "arn:aws:iam::987654321098:role/r*", ""},
	{"sts:AssumeRole", "arn:aws:iam::987654321098:r*", "control-actions"},
	{"s3:GetObjcet", "arn:aws:s3:::b/*", "unknown-action"},
	{"rekognition:Anything", "arn:aws:rekognition:us-east-1:123456789012:x", ""},
}

// Letter case, lists, order and statements beside it change nothing about a grant. A Deny is none, and one of all that is granted takes
// back the control that comes with it; one of certain requests does not.
func TestGrantsMeanTheSameHoweverTheyAreSpelt(t *testing.T) {
	rules := testRules(t)
	rapid.Check(t, func(rt *rapid.T) {
		d := drawn{rt}
		grant := rapid.SampledFrom(spelledGrants).Draw(rt, "grant")
		action := d.one("case", grant.action, strings.ToUpper(grant.action), strings.ToLower(grant.action)).(string)
		statement := tree{
			"Effect":   "Allow",
			"Action":   d.one("actions", action, []any{action}, []any{action, action}),
			"Resource": d.one("resources", grant.resource, []any{grant.resource}),
		}
		harmless := tree{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:us-east-1:123456789012:q"}
		deny := tree{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": tree{"Bool": tree{"aws:SecureTransport": "false"}}}
		statements := d.one("beside", statement, []any{statement}, []any{harmless, statement}, []any{statement, deny}, []any{deny, statement, harmless})
		var want []string
		if grant.want != "" {
			want = []string{grant.want}
		}
		if found := judgeRole(t, rules, statements); !slices.Equal(found, want) {
			rt.Fatalf("%v is found %v, want %v", statements, found, want)
		}

		delete(deny, "Condition")
		if found := judgeRole(t, rules, []any{statement, deny}); slices.Contains(found, "control-actions") {
			rt.Fatalf("%v is found %v, though all of it is denied", statement, found)
		}
		statement["Effect"] = "Deny"
		if found := judgeRole(t, rules, []any{harmless, statement}); len(found) > 0 && grant.want != "unknown-action" {
			rt.Fatalf("a Deny of %v is found %v", action, found)
		}
	})
}
