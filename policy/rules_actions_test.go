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
