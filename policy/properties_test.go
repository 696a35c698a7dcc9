package policy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"cross-account-s3/policy"
)

// Laws that hold for every case, over cases drawn from a vocabulary so small that statements often match (see drawnCase). The flag
// -rapid.checks makes more of them than the 100 for each law.

func TestAddingADenyNeverAllows(t *testing.T) {
	check(t, func(t *rapid.T, c tree, decide func(tree) policy.Decision) {
		before := decide(c)
		added := clone(c)
		place := addStatement(t, added, "Deny")
		after := decide(added)
		if after == allowed && before != allowed {
			t.Fatalf("a Deny in %s turned %s into Allowed", place, before)
		}
		if before == explicit && after != explicit {
			t.Fatalf("a Deny in %s turned an explicit deny into %s", place, after)
		}
	})
}

func TestAddingAnAllowNeverDenies(t *testing.T) {
	check(t, func(t *rapid.T, c tree, decide func(tree) policy.Decision) {
		before := decide(c)
		added := clone(c)
		place := addStatement(t, added, "Allow")
		after := decide(added)
		if before == allowed && after != allowed {
			t.Fatalf("an Allow in %s turned Allowed into %s", place, after)
		}
		if (before == explicit) != (after == explicit) {
			t.Fatalf("an Allow in %s turned %s into %s: it has no say about an explicit deny", place, before, after)
		}
	})
}

// Across accounts nothing is allowed when one of the layers that must allow is silent.
func TestEveryLayerMustAllow(t *testing.T) {
	check(t, func(t *rapid.T, c tree, decide func(tree) policy.Decision) {
		if asksWhoIAm(c) {
			return
		}
		layers := []string{"resourcePolicy"}
		if inAccount(c) {
			layers = append(layers, "identityPolicies")
			for _, limit := range []string{"permissionBoundaries", "sessionPolicy", "scps"} {
				if c[limit] != nil {
					layers = append(layers, limit)
				}
			}
		}
		layer := rapid.SampledFrom(layers).Draw(t, "silent")
		silenced := clone(c)
		silenced["request"].(tree)["resource"].(tree)["accountId"] = accountC
		for _, s := range slots(silenced) {
			if s.layer == layer {
				s.set(slices.DeleteFunc(s.statements(), func(one any) bool { return one.(tree)["Effect"] == "Allow" }))
			}
		}
		if decide(silenced) == allowed {
			t.Fatalf("allowed across accounts, though no statement of %s allows", layer)
		}
	})
}

func TestOrderNeverMatters(t *testing.T) {
	check(t, func(t *rapid.T, c tree, decide func(tree) policy.Decision) {
		shuffled := clone(c)
		for i, s := range slots(shuffled) {
			s.set(rapid.Permutation(s.statements()).Draw(t, fmt.Sprint("order of statements", i)))
		}
		for _, layer := range []string{"identityPolicies", "permissionBoundaries", "scps", "rcps"} {
			if entries, ok := shuffled[layer].([]any); ok {
				shuffled[layer] = rapid.Permutation(entries).Draw(t, "order of "+layer)
			}
		}
		shuffled = rewrite(shuffled, func(path []string, value any) any {
			if list, ok := value.([]any); ok && len(list) > 1 && isLeafList(list) {
				return rapid.Permutation(list).Draw(t, strings.Join(path, "."))
			}
			return value
		}).(tree)
		mustAgree(t, decide, c, shuffled)
	})
}

func TestScalarOrArrayNeverMatters(t *testing.T) {
	check(t, func(t *rapid.T, c tree, decide func(tree) policy.Decision) {
		other := rewrite(c, func(path []string, value any) any {
			if !takesListOrOne(path) {
				return value
			}
			list, isList := value.([]any)
			switch {
			case isList && len(list) == 1 && rapid.Bool().Draw(t, "unpacked"):
				return list[0]
			case !isList && rapid.Bool().Draw(t, "packed"):
				return []any{value}
			}
			return value
		}).(tree)
		mustAgree(t, decide, c, other)
	})
}

func TestLetterCaseOfActionsAndKeysNeverMatters(t *testing.T) {
	check(t, func(t *rapid.T, c tree, decide func(tree) policy.Decision) {
		recased := func(text string) string {
			if strings.Contains(text, unknown) {
				return text
			}
			return rapid.SampledFrom([]func(string) string{strings.ToUpper, strings.ToLower, strings.Clone}).Draw(t, "letters")(text)
		}
		other := clone(c)
		request := other["request"].(tree)
		request["action"] = recased(request["action"].(string))
		request["context"] = renamed(request["context"].(tree), recased)
		for _, s := range slots(other) {
			for _, one := range s.statements() {
				statement := one.(tree)
				for _, element := range []string{"Action", "NotAction"} {
					switch actions := statement[element].(type) {
					case string:
						statement[element] = recased(actions)
					case []any:
						for i := range actions {
							actions[i] = recased(actions[i].(string))
						}
					}
				}
				if condition, ok := statement["Condition"].(tree); ok {
					for operator, keys := range condition {
						condition[operator] = renamed(keys.(tree), recased)
					}
				}
			}
		}
		mustAgree(t, decide, c, other)
	})
}

func TestSplittingAStatementNeverMatters(t *testing.T) {
	check(t, func(t *rapid.T, c tree, decide func(tree) policy.Decision) {
		other := clone(c)
		for _, s := range slots(other) {
			var statements []any
			for _, one := range s.statements() {
				statements = append(statements, split(t, one.(tree))...)
			}
			s.set(statements)
		}
		mustAgree(t, decide, c, other)
	})
}

// With the same policies, the resource's account makes this difference only: what is allowed across accounts is allowed within the principal's
// own, KMS keys and roles included, and what is Undetermined across accounts is not certainly denied within. Explicit denies are the same.
func TestSameAccountNeverNeedsMore(t *testing.T) {
	certainty := map[policy.Decision]int{implicit: 0, undetermined: 1, allowed: 2}
	check(t, func(t *rapid.T, c tree, decide func(tree) policy.Decision) {
		if !inAccount(c) {
			return
		}
		across, within := clone(c), clone(c)
		across["request"].(tree)["resource"].(tree)["accountId"] = accountC
		within["request"].(tree)["resource"].(tree)["accountId"] = accountA
		far, near := decide(across), decide(within)
		if (far == explicit) != (near == explicit) || certainty[near] < certainty[far] {
			t.Fatalf("%s across accounts, but %s within one", far, near)
		}
	})
}

// What is not known may be anything, so hiding a value leaves the answer as it is or makes it Undetermined: it never makes another certain.
func TestHidingAValueNeverDecides(t *testing.T) {
	check(t, func(t *rapid.T, c tree, decide func(tree) policy.Decision) {
		var values []string
		_ = rewrite(c, func(path []string, value any) any {
			if _, ok := value.(string); ok && hideable(path) {
				values = append(values, strings.Join(path, "\x00"))
			}
			return value
		})
		hide := rapid.SampledFrom(values).Draw(t, "hidden")
		hidden := rewrite(c, func(path []string, value any) any {
			if strings.Join(path, "\x00") == hide {
				return unknown
			}
			return value
		}).(tree)
		before, after := decide(c), decide(hidden)
		if after != before && after != undetermined {
			t.Fatalf("with %s unknown, %s became %s", strings.ReplaceAll(hide, "\x00", "."), before, after)
		}
	})
}

// A whole document that is not known yet likewise.
func TestHidingADocumentNeverDecides(t *testing.T) {
	check(t, func(t *rapid.T, c tree, decide func(tree) policy.Decision) {
		hidden := clone(c)
		documents := slots(hidden)
		if len(documents) == 0 {
			return
		}
		s := rapid.SampledFrom(documents).Draw(t, "hidden")
		s.holder[s.key] = unknown
		before, after := decide(c), decide(hidden)
		if after != before && after != undetermined {
			t.Fatalf("with a document of %s unknown, %s became %s", s.layer, before, after)
		}
	})
}

// The laws say little if hardly a case is allowed, or denied, or undetermined.
func TestDrawnCasesAreMixed(t *testing.T) {
	engine := newEngine(t)
	counts := map[policy.Decision]int{}
	const cases = 400
	for seed := range cases {
		counts[decideTree(t, engine, drawnCase.Example(seed))]++
	}
	for _, decision := range []policy.Decision{allowed, explicit, implicit, undetermined} {
		if counts[decision] < cases/20 {
			t.Errorf("%d of %d drawn cases are %s", counts[decision], cases, decision)
		}
	}
	if len(counts) > 4 {
		t.Errorf("drawn cases must be well-formed, got %v", counts)
	}
}

// --- cases as JSON, and what can be done to them ---

// tree is a JSON object; in it stand trees, []any, strings, booleans and numbers.
type tree = map[string]any

// slot is a place in a case where a policy document stands. All drawn documents have an array of statements.
type slot struct {
	layer  string
	holder tree
	key    string
}

func (s slot) statements() []any { return s.holder[s.key].(tree)["Statement"].([]any) }

// set replaces the statements; a policy without any is written as the empty object.
func (s slot) set(statements []any) {
	if len(statements) == 0 {
		s.holder[s.key] = tree{}
		return
	}
	s.holder[s.key].(tree)["Statement"] = statements
}

// slots are the documents of a case that have statements.
func slots(c tree) []slot {
	var found []slot
	add := func(layer string, holder tree, key string) {
		if document, ok := holder[key].(tree); ok && document["Statement"] != nil {
			found = append(found, slot{layer, holder, key})
		}
	}
	for _, layer := range []string{"identityPolicies", "permissionBoundaries"} {
		for _, entry := range list(c[layer]) {
			add(layer, entry.(tree), "policy")
		}
	}
	add("resourcePolicy", c, "resourcePolicy")
	add("sessionPolicy", c, "sessionPolicy")
	for _, layer := range []string{"scps", "rcps"} {
		for _, level := range list(c[layer]) {
			for _, entry := range list(level.(tree)["policies"]) {
				add(layer, entry.(tree), "policy")
			}
		}
	}
	return found
}

func list(value any) []any {
	l, _ := value.([]any)
	return l
}

// rewrite copies a JSON value, with every value inside it, from the innermost outwards, replaced by what change makes of it.
func rewrite(value any, change func(path []string, value any) any) any {
	var walk func(path []string, value any) any
	walk = func(path []string, value any) any {
		switch v := value.(type) {
		case tree:
			copied := tree{}
			for _, name := range slices.Sorted(maps.Keys(v)) {
				copied[name] = walk(append(slices.Clone(path), name), v[name])
			}
			value = copied
		case []any:
			copied := make([]any, len(v))
			for i := range v {
				copied[i] = walk(append(slices.Clone(path), fmt.Sprint(i)), v[i])
			}
			value = copied
		}
		if len(path) == 0 {
			return value
		}
		return change(path, value)
	}
	return walk(nil, value)
}

func clone(c tree) tree {
	return rewrite(c, func(_ []string, value any) any { return value }).(tree)
}

// takesListOrOne tells the places in a policy that take an array of values, or one value by itself.
func takesListOrOne(path []string) bool {
	at := slices.Index(path, "Statement")
	if at < 0 {
		return false
	}
	path = path[at+1:]
	if len(path) == 0 {
		return true // the statements
	}
	path = path[1:] // of one statement
	switch len(path) {
	case 1:
		return slices.Contains([]string{"Action", "NotAction", "Resource", "NotResource"}, path[0])
	case 2:
		return path[0] == "Principal" || path[0] == "NotPrincipal"
	case 3:
		return path[0] == "Condition"
	}
	return false
}

func isLeafList(list []any) bool {
	return !slices.ContainsFunc(list, func(value any) bool { _, isObject := value.(tree); return isObject })
}

func renamed(object tree, rename func(string) string) tree {
	copied := tree{}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		copied[rename(name)] = object[name]
	}
	return copied
}

// split makes two statements of one that lists several actions, resources or principals, and leaves any other as it is.
func split(t *rapid.T, statement tree) []any {
	for _, element := range []string{"Action", "Resource", "Principal.AWS"} {
		holder, key := statement, element
		if element == "Principal.AWS" {
			principal, ok := statement["Principal"].(tree)
			if !ok || len(principal) > 1 {
				continue
			}
			holder, key = principal, "AWS"
		}
		values := list(holder[key])
		if len(values) < 2 || !rapid.Bool().Draw(t, "split by "+element) {
			continue
		}
		at := rapid.IntRange(1, len(values)-1).Draw(t, "at")
		halves := []any{}
		for _, half := range [][]any{values[:at], values[at:]} {
			holder[key] = half
			one := clone(statement)
			delete(one, "Sid") // IAM wants each only once
			halves = append(halves, one)
		}
		return halves
	}
	return []any{statement}
}

// addStatement adds a drawn statement to a document of the case, or in a new one where that alone limits nothing, and says where.
func addStatement(t *rapid.T, c tree, effect string) string {
	places := []string{"new identity policy"}
	if c["resourcePolicy"] == nil {
		places = append(places, "new resource policy")
	}
	documents := slots(c)
	for i, s := range documents {
		places = append(places, fmt.Sprint(i, " ", s.layer))
	}
	drawing := newDrawing(t, c["request"].(tree))
	place := rapid.SampledFrom(places).Draw(t, "place")
	switch place {
	case "new identity policy":
		document := tree{"Version": "2012-10-17", "Statement": []any{drawing.statement("identityPolicies", effect)}}
		c["identityPolicies"] = append(list(c["identityPolicies"]), tree{"name": "added", "policy": document})
	case "new resource policy":
		c["resourcePolicy"] = tree{"Version": "2012-10-17", "Statement": []any{drawing.statement("resourcePolicy", effect)}}
	default:
		s := documents[slices.Index(places, place)-len(places)+len(documents)]
		at := rapid.IntRange(0, len(s.statements())).Draw(t, "at")
		s.set(slices.Insert(s.statements(), at, any(drawing.statement(s.layer, effect))))
	}
	return place
}

// hideable tells the values that a preview may not show from those that say what kind of thing something is.
func hideable(path []string) bool {
	last := path[len(path)-1]
	switch {
	case path[0] == "id", last == "name", last == "orgIdentifier":
		return false
	}
	return true
}

func inAccount(c tree) bool {
	return strings.Contains(c["request"].(tree)["principal"].(string), accountA)
}

func asksWhoIAm(c tree) bool {
	return strings.EqualFold(c["request"].(tree)["action"].(string), "sts:GetCallerIdentity")
}

// --- checking ---

func check(t *testing.T, law func(t *rapid.T, c tree, decide func(tree) policy.Decision)) {
	t.Helper()
	engine := newEngine(t)
	rapid.Check(t, func(t *rapid.T) {
		law(t, drawnCase.Draw(t, "case"), func(c tree) policy.Decision { return decideTree(t, engine, c) })
	})
}

func mustAgree(t *rapid.T, decide func(tree) policy.Decision, one, other tree) {
	t.Helper()
	if first, second := decide(one), decide(other); first != second {
		t.Fatalf("%s became %s", first, second)
	}
}

func decideTree(t rapid.TB, engine *policy.Engine, c tree) policy.Decision {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	_, result, err := engine.DecideJSON(context.Background(), text, false)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if t, ok := t.(*rapid.T); ok {
		t.Logf("%s: %s", result.Decision, text)
	}
	return result.Decision
}

// --- drawing ---

// drawnCase draws a case: a principal of any kind, mostly of account A, asks for something of its own account or of account B, and there are
// policies of every layer that are about this request, or nearly.
var drawnCase = rapid.Custom(func(t *rapid.T) tree {
	asked := pick(askable).Draw(t, "request")
	account := pick([]string{accountA, accountB}).Draw(t, "account")
	request := tree{
		"principal": pick(askers).Draw(t, "principal"),
		"action":    asked.action,
		"resource":  tree{"resource": strings.ReplaceAll(asked.arn, "ACCOUNT", account), "accountId": account},
	}
	d := newDrawing(t, request)
	request["context"] = d.context()
	c := tree{"id": "drawn", "request": request, "identityPolicies": d.policies("identityPolicies", 0, 2)}
	if d.chance(85) {
		c["resourcePolicy"] = d.document("resourcePolicy")
	}
	if d.chance(20) {
		c["permissionBoundaries"] = d.policies("permissionBoundaries", 1, 1)
	}
	if d.chance(20) {
		c["sessionPolicy"] = d.document("sessionPolicy")
	}
	for _, layer := range []string{"scps", "rcps"} {
		if d.chance(20) {
			levels := []any{}
			for i := range rapid.IntRange(1, 2).Draw(t, layer) {
				levels = append(levels, tree{"orgIdentifier": fmt.Sprint("level", i), "policies": d.policies(layer, 1, 2)})
			}
			c[layer] = levels
		}
	}
	return c
})

type ask struct{ action, arn string }

var askable = []ask{
	{"s3:GetObject", "arn:aws:s3:::b/k"},
	{"s3:PutObject", "arn:aws:s3:::b/U/a:b"},
	{"s3:ListBucket", "arn:aws:s3:::b"},
	{"kms:Decrypt", "arn:aws:kms:us-east-1:ACCOUNT:key/1234abcd"},
	{"sts:AssumeRole", "arn:aws:iam::ACCOUNT:role/T"},
	{"sts:GetCallerIdentity", "*"},
	{"sqs:SendMessage", "arn:aws:sqs:us-east-1:ACCOUNT:q"},
	{"sns:Publish", "arn:aws:sns:us-east-1:ACCOUNT:t"},
	{"ssm:GetParameter", "arn:aws:ssm:us-east-1:ACCOUNT:parameter/app/db"},
	{"secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:ACCOUNT:secret:db-AbCdEf"},
	{"lambda:InvokeFunction", "arn:aws:lambda:us-east-1:ACCOUNT:function:f"},
}

var askers = []string{
	session, session, session, session, userU, userU, "arn:aws:iam::" + accountA + ":user/team/U", roleR, rootA, accountA, service, service, "anonymous",
}

// Whom the statements name: the askers, and some who are not.
var nameable = []string{
	roleR, roleR, "arn:aws:iam::" + accountA + ":role/team/R", session, userU, accountA, rootA, "*", accountC, accountB,
	"arn:aws:iam::" + accountA + ":role/S", "arn:aws:sts::" + accountA + ":assumed-role/R/t", "arn:aws:iam::" + accountA + ":role/*",
	"arn:aws:iam::" + accountA + ":role/r", "AROA00000000EXAMPLE00",
}

// drawing draws the parts of a case around its request.
type drawing struct {
	t           *rapid.T
	action, arn string
	trust       bool
}

func newDrawing(t *rapid.T, request tree) drawing {
	arn := request["resource"].(tree)["resource"].(string)
	return drawing{t, request["action"].(string), arn, strings.Contains(arn, ":role/")}
}

// chance is true for about so many in a hundred.
func (d drawing) chance(percent int) bool {
	return dice.Draw(d.t, "chance") >= faces-faces*percent/100
}

// dice is an even choice of a number below faces. Those of rapid prefer small numbers and early values, which is good for finding the limits
// of an algorithm, but would make most statements alike here.
var dice = rapid.Custom(func(t *rapid.T) int {
	number := 0
	for bit := 1; bit < faces; bit *= 2 {
		if rapid.Bool().Draw(t, "bit") {
			number += bit
		}
	}
	return number
})

const faces = 1 << 10

// pick draws any of the values.
func pick[T any](values []T) *rapid.Generator[T] {
	return rapid.Map(dice, func(number int) T { return values[number*len(values)/faces] })
}

func (d drawing) policies(layer string, least, most int) []any {
	policies := []any{}
	for i := range rapid.IntRange(least, most).Draw(d.t, layer) {
		policies = append(policies, tree{"name": fmt.Sprint("policy", i), "policy": d.document(layer)})
	}
	return policies
}

func (d drawing) document(layer string) tree {
	statements := []any{}
	for range rapid.IntRange(1, 3).Draw(d.t, "statements") {
		effect := "Allow"
		if layer == "rcps" || d.chance(12) {
			effect = "Deny"
		}
		statements = append(statements, d.statement(layer, effect))
	}
	document := tree{"Statement": statements}
	if version := pick([]string{"2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17", ""}).Draw(d.t, "version"); version != "" {
		document["Version"] = version
	}
	return document
}

func (d drawing) statement(layer, effect string) tree {
	s := tree{"Effect": effect}
	switch {
	case layer == "rcps":
		s["Principal"] = "*"
	case layer == "resourcePolicy" && effect == "Deny" && d.chance(25), layer == "resourcePolicy" && d.chance(3):
		s["NotPrincipal"] = tree{"AWS": d.several(pick(nameable), 4)}
	case layer == "resourcePolicy":
		s["Principal"] = d.principal()
	}
	if d.chance(85) {
		s["Action"] = d.several(d.actions(), 3)
	} else {
		s["NotAction"] = d.several(rapid.OneOf(d.actions(), pick([]string{"iam:*", "s3:DeleteObject"})), 2)
	}
	switch {
	case d.trust && layer == "resourcePolicy" && d.chance(60):
	case d.chance(85):
		s["Resource"] = d.several(d.resources(), 3)
	default:
		s["NotResource"] = d.several(rapid.OneOf(rapid.Just("arn:aws:s3:::other/*"), d.resources()), 2)
	}
	if d.chance(35) {
		s["Condition"] = d.condition()
	}
	return s
}

// several draws a value, or an array of up to most of them.
func (d drawing) several(one *rapid.Generator[string], most int) any {
	if d.chance(40) {
		return one.Draw(d.t, "one")
	}
	values := []any{}
	for _, value := range rapid.SliceOfN(one, 1, most).Draw(d.t, "several") {
		values = append(values, value)
	}
	return values
}

func (d drawing) principal() any {
	switch {
	case d.chance(15):
		return "*"
	case d.chance(15):
		return tree{"Service": d.several(pick([]string{service, "s3.amazonaws.com"}), 2)}
	case d.chance(15):
		return tree{"Service": service, "AWS": d.several(pick(nameable), 3)}
	}
	return tree{"AWS": d.several(pick(nameable), 3)}
}

func (d drawing) actions() *rapid.Generator[string] {
	prefix, name, _ := strings.Cut(d.action, ":")
	return pick([]string{
		d.action, d.action, "*", prefix + ":*", prefix + ":" + name[:3] + "*", prefix + ":?" + name[1:], strings.ToUpper(d.action),
		d.action + "?", prefix + ":Put*", "s3:*", "iam:*",
	})
}

// resources draws patterns that cover the request's resource, some that need a variable to do so, some that nearly do, and some of which it
// is not settled.
func (d drawing) resources() *rapid.Generator[string] {
	if d.arn == "*" {
		return pick([]string{"*", "arn:aws:s3:::b"})
	}
	parts := strings.SplitN(d.arn, ":", 6)
	with := func(i int, value string) string {
		changed := slices.Clone(parts)
		changed[i] = value
		return strings.Join(changed, ":")
	}
	last := parts[5]
	return pick([]string{
		"*", "*", d.arn, d.arn, with(3, "*"), with(4, "*"), with(5, last[:1]+"*"), with(5, last[:len(last)-1]+"?"), with(5, last+"/*"), with(5, last+"*"),
		with(5, last[:len(last)-1]+"${aws:PrincipalTag/letter}"), with(5, last[:len(last)-1]+"${aws:PrincipalTag/none, 'k'}"),
		with(5, last+"${aws:nothing}"),
		with(5, "other"), with(3, "eu-west-1"), with(2, strings.ToUpper(parts[2])), with(5, "*"), with(5, "?"+last[1:]),
	})
}

// conditions: the keys that requests have, the operators for each, and values of which many match.
var conditions = []struct {
	keys, operators, values, requested []string
}{
	{[]string{"s3:prefix", "aws:PrincipalTag/letter"},
		[]string{"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike"},
		[]string{"k", "K", "*", "?", "home/*", "${aws:PrincipalTag/letter}", "${aws:nothing}", "${aws:nothing, 'k'}*", "${*}"},
		[]string{"k", "k", "K", "home/x", "*", ""}},
	{[]string{"s3:max-keys", "s3:TlsVersion"},
		[]string{"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals"},
		[]string{"1.2", "10", "9", "-1"}, []string{"1.2", "1.20", "10", "9", "ten"}},
	{[]string{"aws:CurrentTime"},
		[]string{"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"},
		[]string{"2026-01-31T00:00:00Z", "1769817600", "2026-02-01T00:00:00+01:00"}, []string{"2026-01-31T00:00:00Z", "1769817601", "2026-02-01", "now"}},
	{[]string{"aws:SecureTransport"}, []string{"Bool"}, []string{"true", "false", "True"}, []string{"true", "false", "TRUE"}},
	{[]string{"aws:SourceIp"}, []string{"IpAddress", "NotIpAddress"},
		[]string{"203.0.113.0/24", "203.0.113.7", "0.0.0.0/0", "::/0", "2001:db8::/32"}, []string{"203.0.113.7", "198.51.100.1", "2001:db8::1"}},
	{[]string{"aws:SourceArn", "aws:PrincipalArn"}, []string{"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"},
		[]string{"arn:aws:s3:::*", "arn:aws:iam::*:role/R", "arn:aws:sns:*:*:t", "arn:aws:sns:*:t"},
		[]string{"arn:aws:s3:::b", roleR, "arn:aws:sns:us-east-1:" + accountB + ":t", "b"}},
	{[]string{"aws:TagKeys"}, []string{
		"ForAllValues:StringEquals", "ForAnyValue:StringEquals", "ForAllValues:StringLike", "ForAnyValue:StringLike",
		"ForAllValues:StringNotEquals", "ForAnyValue:StringNotEquals", "StringEquals",
	}, []string{"k", "K", "l*", "*"}, []string{"k", "l", "l2"}},
	{[]string{"aws:TokenIssueTime", "s3:prefix", "aws:TagKeys"}, []string{"Null"}, []string{"true", "false"}, []string{"2026-01-31T00:00:00Z"}},
}

func (d drawing) condition() tree {
	condition := tree{}
	for range rapid.IntRange(1, 2).Draw(d.t, "conditions") {
		kind := pick(conditions).Draw(d.t, "kind")
		operator := pick(kind.operators).Draw(d.t, "operator")
		if operator != "Null" && d.chance(20) {
			operator += "IfExists"
		}
		key := pick(kind.keys).Draw(d.t, "key")
		condition[operator] = tree{key: d.several(pick(kind.values), 2)}
	}
	return condition
}

// context has each key more often than not, a multivalued one with none, one or several values.
func (d drawing) context() tree {
	values := tree{}
	for _, kind := range conditions {
		for _, key := range kind.keys {
			requested := pick(kind.requested)
			switch {
			case values[key] != nil || !d.chance(65):
			case key == "aws:TagKeys":
				values[key] = []any{}
				for _, value := range rapid.SliceOfN(requested, 0, 2).Draw(d.t, key) {
					values[key] = append(values[key].([]any), value)
				}
			default:
				values[key] = requested.Draw(d.t, key)
			}
		}
	}
	return values
}
