package policy_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// mutation breaks the evaluator in one line.
type mutation struct {
	file, old, new string
	// broken is what the evaluator then no longer knows.
	broken string
	// sentence begins the headings in the specification of which at least one example must go wrong; empty for the format of a case.
	sentence string
}

// mutations are there to show that the table of the specification would notice. Each old text stands once in its module: whoever rewrites that line
// finds another way to break the same thing here.
var mutations = []mutation{
	{"arns.rego", `patterns.expression_between_colons(found[1])`, `patterns.expression(found[1])`,
		"that a wildcard in front of the fifth colon stays between two colons", "Not settled: * crossing colons"},
	{"arns.rego", `"(?i:", patterns.expression(found[1])`, `"(?:", patterns.expression(found[1])`,
		"that letter case in front of the fifth colon is open", "Not settled: letter case"},
	{"arns.rego", `"(?i)", typed.possible`, `"", typed.possible`,
		"that letter case in a role's name is open", "Not settled: letter case"},
	{"arns.rego", `[^/:*?\\]|\\.)*[*?]`, `[^/:*?\\]|\\.)*[?]`,
		"that * in a resource type is open", "Not settled: wildcards in the resource-type part"},
	{"arns.rego", `(?:s3:::|`, `(?:`,
		"that a bucket's name is no resource type", "Not settled: wildcards in the resource-type part"},
	{"arns.rego", `"certain": ".*", "possible": ".*"`, `"certain": "", "possible": ""`,
		"that * stands for every ARN", "Resource: * alone matches everything"},

	{"conditions.rego", `min({truth | some condition in conditions`, `max({truth | some condition in conditions`,
		"that all conditions must hold", "Conditions: operators AND"},
	{"conditions.rego", `else := condition.missing`, `else := -1`,
		"what a missing key does", "Conditions: missing key: negated operator is true"},
	{"conditions.rego", `matched != condition.negated`, `matched`,
		"negated operators on texts", "Conditions: negated operators are NOR"},
	{"conditions.rego", `0 - _alike(condition.compares, condition, value) if`, `_alike(condition.compares, condition, value) if`,
		"negated operators on everything else", "Conditions: negated operators are NOR"},
	{"conditions.rego", `else := 0 if condition.set == ""`, `else := _set(condition, value) if condition.set == ""`,
		"that a multivalued key asks for a set operator", "Not settled: a multivalued key"},
	{"conditions.rego", `min({1} | _truths(condition, values))`, `max({-1} | _truths(condition, values))`,
		"ForAllValues", "Conditions: ForAllValues: every request value passes"},
	{"conditions.rego", `max({-1} | _truths(condition, values))`, `max({1} | _truths(condition, values))`,
		"ForAnyValue", "Conditions: ForAnyValue: at least one passes"},
	{"conditions.rego", `_agreed(max(_truths(condition, values)), min(_truths(condition, values))) if {`, `max(_truths(condition, values)) if {`,
		"that ForAnyValue with a negated operator is open", "Not settled: ForAnyValue with a negated operator"},
	{"conditions.rego", `_agreed(_passes(condition, ""), condition.missing)`, `_passes(condition, "")`,
		"that it is open whether an empty value is one", "Not settled: empty values"},
	{"conditions.rego", `else := -1 if value < wanted`, `else := 1 if value < wanted`,
		"less and greater", "Conditions: Numeric: integers and decimals"},
	{"conditions.rego", `_doubt(condition) := 0`, `_doubt(condition) := -1`,
		"that an unknown number may be any", "Not settled: a value that is not known yet"},
	{"conditions.rego", `_alike("binary", _, _) := 0`, `_alike("binary", _, _) := 1`,
		"that BinaryEquals is open", "Not settled: BinaryEquals"},
	{"conditions.rego", `instant := operators.instant(value)`, `instant := operators.number(value)`,
		"dates", "Conditions: Date"},

	{"decision.rego", `default decision := "Undetermined"`, `default decision := "Allowed"`,
		"what to make of malformed input", "Not settled: a document that AWS would refuse"},

	{"documents.rego", `object.keys(statement) - _elements == set()`, `true`,
		"elements that do not exist", "Not settled: a document that AWS would refuse"},
	{"documents.rego", `_whom(statement, "") if object.keys(statement) & `, `_whom(statement, "") if set() & `,
		"that an identity policy names no principal", "Not settled: a document that AWS would refuse"},
	{"documents.rego", `_document(policy, _) if policy == {}`, `_document(policy, _) if policy == []`,
		"policies that say nothing", ""},

	{"evaluation.rego", `lower(request.action) == "sts:getcalleridentity"`, `request.action == "sts:GetCallerIdentity"`,
		"the letter case of the one action that is always allowed", "Decision 8: sts:GetCallerIdentity"},
	{"evaluation.rego", `"ExplicitlyDenied" if _denied == 1`, `"ImplicitlyDenied" if _denied == 1`,
		"explicit denies", "Decision 1"},
	{"evaluation.rego", `"Undetermined" if _denied == 0`, `"ImplicitlyDenied" if _denied == 0`,
		"that an open Deny leaves the answer open", "Not settled: a value that is not known yet"},
	{"evaluation.rego", `"Undetermined" if _allowed == 0`, `"Allowed" if _allowed == 0`,
		"that an open Allow is none", "Not settled"},
	{"evaluation.rego", `same_account if principals.account == input.request.resource.accountId`, `same_account if principals.account`,
		"that the resource is in another account", "Decision 4: nothing stands in"},
	{"evaluation.rego", `(?i:kms:.*)`, `(?i:s3:.*)`,
		"that a key's policy rules", "Decision 6: for a KMS key"},
	{"evaluation.rego", `(?i:sts:.*)`, `(?i:iam:.*)`,
		"that a role's policy rules", "Decision 6: for a role"},
	{"evaluation.rego", `min([_allow("role"), _limit])`, `_allow("role")`,
		"that a role that is named is still limited", "Decision 5: role ARN"},
	{"evaluation.rego", `min([_allow("identity"), _limit, _delegated])`, `min([_allow("identity"), _delegated])`,
		"that an identity policy is limited", "Decision 3"},
	{"evaluation.rego", `_allow_by({"everyone", "exact"}),`, `_allow_by({"everyone", "exact", "account"}),`,
		"that an account that is named only delegates", "Decision 5: account id or :root"},
	{"evaluation.rego", `else := _granted if not in_account`, `else := -1 if not in_account`,
		"that SCPs do not bind services", "Decision 2: SCPs do not bind"},
	{"evaluation.rego", `some i, _ in input.scp; truth := _allow(i)`, `truth := _allow(0)`,
		"that every SCP level must allow", "Decision 2: every SCP level"},
	{"evaluation.rego", `_limit_of_session := _allow("session")`, `_limit_of_session := 1`,
		"session policies", "Decision 3: limited means that the session policy"},
	{"evaluation.rego", `_allow("boundary") if count(input.boundary) == 1`, `_allow("boundary") if count(input.boundary) > 0`,
		"that boundaries may disagree", "Not settled: several permissions boundaries"},
	{"evaluation.rego", `["identity", "session", "boundary"]`, `["identity", "session"]`,
		"that a boundary denies", "Decision 1"},
	{"evaluation.rego", `_of_resource_control_policies := {[name, "Deny", truth]`, `_of_resource_control_policies := {[name, "Allow", truth]`,
		"that RCPs deny", "Decision 2: RCPs"},

	{"operators.rego", `"NumericLessThanEquals"] := {"compares": "number", "negated": false, "order": {-1, 0}}`,
		`"NumericLessThanEquals"] := {"compares": "number", "negated": false, "order": {-1}}`,
		"the end of a range", "Conditions: Numeric: integers and decimals"},
	{"operators.rego", `"StringEqualsIgnoreCase"] := {"compares": "folded"`, `"StringEqualsIgnoreCase"] := {"compares": "text"`,
		"IgnoreCase", "Conditions: String IgnoreCase"},
	{"operators.rego", `"ArnNotLike"] := {"compares": "arn", "negated": true}`, `"ArnNotLike"] := {"compares": "arn", "negated": false}`,
		"ArnNotLike", "Conditions: Arn NotEquals is NotLike"},
	{"operators.rego", `"Bool"] := {"compares": "bool"`, `"Bool"] := {"compares": "text"`,
		"that booleans have no letter case", "Conditions: Bool"},
	{"operators.rego", `(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$`, `(?:0|[1-9][0-9]*)$`,
		"decimals", "Conditions: Numeric: integers and decimals"},
	{"operators.rego", `to_number(text) * 1000000000`, `to_number(text) * 1000`,
		"epoch seconds", "Conditions: Date"},
	{"operators.rego", `[text, "/32"]`, `[text, "/24"]`,
		"that a bare address is one", "Conditions: IP: bare v4"},
	{"operators.rego", `else := json.marshal(value)`, `else := ""`,
		"the text of numbers and booleans", "Conditions: JSON booleans and numbers"},

	{"patterns.rego", `_expression(pattern, ".*", ".")`, `_expression(pattern, ".+", ".")`,
		"that * may be nothing", "Action: * is any run"},
	{"patterns.rego", `"[^:]*", "[^:]")`, `"[^:]*", "[^:]?")`,
		"that ? is exactly one character", "Resource: split on the first five colons"},
	{"patterns.rego", `else := 0 if regex.match(one.possible, text)`, `else := 1 if regex.match(one.possible, text)`,
		"that what only possibly matches is open", "Not settled: letter case"},
	{"patterns.rego", `["^(?s:", `, `["^(?:", `,
		"that * covers line breaks", "Conditions: String Like"},
	{"preparation.rego", `"^(?s:(?i:", alternatives`, `"^(?s:(?:", alternatives`,
		"that actions have no letter case", "Action: case-insensitive"},

	{"preparation.rego", `_get(policy, "Version", "2008-10-17")`, `_get(policy, "Version", "2012-10-17")`,
		"that a document without Version is of the old one", "Policy variables: only with Version"},
	{"preparation.rego", `"context_key": lower(key)`, `"context_key": key`,
		"that a policy's condition keys have no letter case", "Conditions: key names are case-insensitive"},
	{"preparation.rego", `else := 1 if operator.if_exists`, `else := -1 if operator.if_exists`,
		"IfExists", "Conditions: missing key: any IfExists"},
	{"preparation.rego", `else := 1 if operator.set == "ForAllValues"`, `else := -1 if operator.set == "ForAllValues"`,
		"that ForAllValues holds for a missing key", "Conditions: ForAllValues: missing or empty"},
	{"preparation.rego", `else := 1 if operator.negated`, `else := -1 if operator.negated`,
		"that a negated operator holds for a missing key", "Conditions: missing key: negated"},
	{"preparation.rego", `_null(text) := 1 if`, `_null(text) := -1 if`,
		"Null", "Conditions: Null:true"},
	{"preparation.rego", "regex.match(`^(?:[^:$]*:){5}`, resource)", "regex.match(`^`, resource)",
		"that variables stand behind the fifth colon only", "Resource: variables only after the fifth colon"},
	{"preparation.rego", `_comparison("pattern", _, texts, version) := _patterns(texts, version, true, false)`,
		`_comparison("pattern", _, texts, version) := _patterns(texts, version, true, true)`,
		"that StringLike is case-sensitive", "Conditions: String Like"},
	{"preparation.rego", `_comparison("text", _, texts, version) := _patterns(texts, version, false, false)`,
		`_comparison("text", _, texts, version) := _patterns(texts, version, true, false)`,
		"that StringEquals has no wildcards", "Conditions: String Equals"},
	{"preparation.rego", `source.Effect, false, 1, actions`, `source.Effect, true, 1, actions`,
		"NotAction", "Action: NotAction inverts"},
	{"preparation.rego", `entries[0].policies`, `entries[0].policy`,
		"levels", ""},

	{"principals.rego", "\tstartswith(text, _role_prefix)", "\tstartswith(text, \"arn:\")",
		"that a role is of one account", "Principal: a session matches the role ARN"},
	{"principals.rego", `concat("", ["/", _type_and_name[1]])`, `_type_and_name[1]`,
		"where a role's name begins", "Principal: a session matches the role ARN"},
	{"principals.rego", `["account", 1] if text in _account_names`, `["exact", 1] if text in _account_names`,
		"that naming the account is not naming the principal", "Decision 5: account id or :root"},
	{"principals.rego", `["everyone", 1] if text == "*"`, `["account", 1] if text == "*"`,
		"that * names everyone directly", `Principal: "*"`},
	{"principals.rego", `"session": {"account", "role", "exact"}`, `"session": {"role", "exact"}`,
		"that an exempt session's account must be listed", "Principal: NotPrincipal exempts"},
	{"principals.rego", `statement.effect == "Deny"`, `statement.effect`,
		"that NotPrincipal with Allow is open", "Not settled: NotPrincipal with Allow"},
	{"principals.rego", `^AROA[A-Z0-9]+$`, `^$`,
		"that a deleted role's id is open", "Not settled: unique-id principals"},

	{"request.rego", `{lower(key): value | some key, value in`, `{key: value | some key, value in`,
		"that a request's condition keys have no letter case", "Conditions: key names are case-insensitive"},

	{"resources.rego", `_sense(false, truth) := 0 - truth`, `_sense(false, truth) := truth`,
		"NotResource", "Resource: NotResource inverts"},

	{"statements.rego", `conditions.holds(statement.conditions)`, `1`,
		"conditions", "Conditions: operators AND"},
	{"statements.rego", `== statement.action.covers`, `== true`,
		"NotAction", "Action: NotAction inverts"},

	{"unknowns.rego", `04da6b54-80e4-46f7-96ec-b56ff0331ba9`, `00000000-0000-4000-8000-000000000000`,
		"what stands for a text that is not known yet", "Not settled: a value that is not known yet"},

	{"variables.rego", `used(text, "2012-10-17") if {`, `used(text, _) if {`,
		"versions", "Policy variables: only with Version"},
	{"variables.rego", `_looked_up(lower(parts[1]), `, `_looked_up(parts[1], `,
		"that a variable's key has no letter case", "Policy variables: key names are case-insensitive"},
	{"variables.rego", `else := fallback if has_fallback`, `else := fallback`,
		"that a variable may have no value", "Resource: a variable without a value matches no resource"},
	{"variables.rego", "{\"${*}\": `\\*`,", "{\"${*}\": `*`,",
		"that ${*} is a star", "Policy variables: ${*}"},
	{"variables.rego", `request.context[key] if is_string(request.context[key])`,
		`split(trim(json.marshal(request.context[key]), "[\"]"), "\"")[0] if request.context[key]`,
		"that a variable has one value", "Policy variables: single-valued keys only"},
}

// Whatever line of the evaluator breaks, the cases of the specification notice.
func TestMutations(t *testing.T) {
	modules := modulesOnDisk(t)
	for _, mutation := range mutations {
		t.Run(mutation.file+": "+mutation.broken, func(t *testing.T) {
			t.Parallel()
			text := modules[mutation.file]
			if found := strings.Count(text, mutation.old); found != 1 {
				t.Fatalf("%s has the text to be replaced %d times, not once: break this in another way\n%s", mutation.file, found, mutation.old)
			}
			broken := maps.Clone(modules)
			broken[mutation.file] = strings.Replace(text, mutation.old, mutation.new, 1)
			if !goesWrong(t, broken, mutation.sentence) {
				t.Errorf("every case of %q is still answered right with %q in place of %q", mutation.sentence, mutation.new, mutation.old)
			}
		})
	}
}

// Every module is broken at least once, but for the one whose answers the specification says nothing about.
func TestMutationsOfEveryModule(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(modulesOnDisk(t))) {
		if name != "explanation.rego" && !slices.ContainsFunc(mutations, func(m mutation) bool { return m.file == name }) {
			t.Errorf("no mutation of %s", name)
		}
	}
}

// goesWrong answers the cases of the sentences that begin so, until one answer is wrong.
func goesWrong(t *testing.T, modules map[string]string, beginning string) bool {
	t.Helper()
	query := prepareModules(t, modules)
	if beginning == "" {
		return slices.ContainsFunc(caseFormat(), func(example lineExample) bool {
			return wrongInOPA(t, query, []byte(example.line), example.want) != ""
		})
	}
	known := false
	for _, sentence := range specification() {
		if !strings.HasPrefix(sentence.heading, beginning) {
			continue
		}
		known = true
		for _, examples := range sentence.kinds() {
			for _, example := range examples {
				if wrongInOPA(t, query, line(t, example.c), example.want) != "" {
					return true
				}
			}
		}
	}
	if !known {
		t.Fatalf("the specification has no sentence that begins with %q", beginning)
	}
	return false
}
