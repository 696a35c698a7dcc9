package policy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/tester"
)

// ruleMutation breaks the rules, or what they stand on, in one line, as mutation does the evaluator.
type ruleMutation struct {
	file, old, new string
	// broken is what the rules then no longer know.
	broken string
	// tests are the Rego tests of which at least one must fail: the end of a package and a name, as a regular expression.
	tests string
}

// ruleMutations are there to show that the Rego tests would notice. Each old text stands once in its module: whoever rewrites that line
// finds another way to break the same thing here.
var ruleMutations = []ruleMutation{
	{"../policies.rego", `	found.blocking
}`, `	found
}`, "what only warns", "policies_test.test_what_blocks"},
	{"../policies.rego", `	not found.blocking`, `	found`, "what blocks", "policies_test.test_what_blocks"},
	{"../policies.rego", `	not exceptions.covering(found)`, `	found`, "exceptions", "policies_test.test_an_exception_lets"},
	{"../policies.rego", `account != attachment.account`, `account == attachment.account`, "whose account it is", "policies_test.test_a_key_delegates"},
	{"../policies.rego", `"s3:tlsversion": ["1.0", "1.1"]`, `"s3:tlsversion": ["1.0"]`, "TLS 1.1", "policies_test.test_tls_version"},
	{"../policies.rego", `"unknown": "The policy`, `"unknowns": "The policy`, "policies that are not known", "policies_test.test_policies_that_are_not_shown"},
	{"../policies.rego", `	not _judged(file)`, `	_judged(file)`, "files without a policy", "policies_test.test_states"},
	{"../policies.rego", `	some message in stacks.incomplete(file.contents)`, `	some message in stacks.incomplete(file)`,
		"previews that are not whole", "policies_test.test_what_is_not_whole"},
	{"../policies.rego", `transport.not_refused(attachment.document, surface, _plain_http)`, `transport.not_refused(attachment.document, surface, _old_tls)`,
		"which requests are plain", "policies_test.test_(queues|a_good|tls)"},
	{"../policies.rego", `	transport.undecided(attachment.document,`, `	not transport.undecided(attachment.document,`,
		"policies with too much to try", "policies_test.test_too_much"},

	{"rules/actions.rego", `	lower(title) == name`, `	title == name`, "letter case", "actions_test.test_known"},
	{"rules/agreement.rego", `	one.role != one.bucket`, `	one.role == one.bucket`, "what it is to agree", "agreement_test.test_one_sided"},
	{"rules/agreement.rego", `{true: "bucket", false: "role"}`, `{false: "bucket", true: "role"}`, "which half it is", "agreement_test.test_one_sided"},
	{"rules/agreement.rego", `"s3:dataaccesspointaccount": [null]`, `"s3:dataaccesspointaccount": ["987654321098"]`,
		"that a delegation is for access points", "agreement_test.test_consumers"},
	{"rules/agreement.rego", `	some i, gate in way.gates`, `	some i, gate in [way.gates[0]]`, "the bucket behind an access point", "agreement_test.test_consumers"},
	{"rules/agreement.rego", `if not arn in _known_by_place[place]`, `if arn != place`, "roles of the same name elsewhere", "agreement_test.test_strangers_"},
	{"rules/attachments.rego", `else := {"state": "malformed"}`, `else := {"state": "unknown"}`, "malformed policies", "attachments_test.test_found"},
	{"rules/attachments.rego", `attachment.state == "known"`, `attachment.state != "known"`, "which policies can be judged", "attachments_test.test_found"},
	{"rules/attachments.rego", `endswith(resource.type, "Policy")`, `endswith(resource.type, "Policies")`,
		"that a policy which is not shown is one", "policies_test.test_policies_that_are_not_shown"},
	{"rules/points.rego", `"VPC" if`, `"Internet" if`, "where requests come from", "points_test.test_found"},
	{"rules/breadth.rego", `_hands_over(_, levels) if "Permissions management" in levels`, `_hands_over(_, levels) if "Permissions" in levels`, "what hands over permissions", "breadth_test.test_patterns"},
	{"rules/breadth.rego", `else := {"Permissions management"}`, `else := {"Read"}`, "NotAction", "breadth_test.test_patterns"},
	{"rules/breadth.rego", `	not action in named`, `	action in named`, "what NotAction leaves", "breadth_test.test_the_severity_of_all"},
	{"rules/breadth.rego", `{"iam:passrole", "sts:assumerole"}`, `set()`, "that any role may be passed", "breadth_test.test_any_role"},
	{"rules/breadth.rego", `	not _harmless(lower(action), statement)`, `	action`, "what is harmless", "breadth_test.test_conditions_that_keep"},
	{"rules/breadth.rego", `	denying.conditions == []`, `	denying.conditions`, "a Deny of some requests", "breadth_test.test_what_is_not_taken"},
	{"rules/breadth.rego", `"${Account}": "000000000000"`, `"${Account}": "123456789012"`, "the resources of one account", "breadth_test.test_not_broad"},
	{"rules/breadth.rego", `	beginning != format.literal`, `	beginning == format.literal`, "what a wildcard can begin with", "breadth_test.test_in_its"},
	{"rules/breadth.rego", `	part != ""`, `	part`, "parts that have to be there", "breadth_test.test_misplaced"},
	{"rules/escalation.rego", `lower(arn) != lower(role.arn)`, `arn != ""`, "that a role may pass itself", "escalation_test.test_which"},
	{"rules/escalation.rego", `	startswith(path, "role/")`, `	path`, "what is a role", "escalation_test.test_which"},
	{"rules/escalation.rego", `	every step in way.steps {
		count(_allowed(`, `	some step in way.steps
	every x in [step] {
		count(_allowed(role, x, service)) + count(_allowed(`, "that it takes all actions", "escalation_test.test_(it|combinations)"},
	{"rules/escalation.rego", `	every layer in about {`, `	some layer in about
	every x in [layer] {
		x == layer`, "boundaries", "escalation_test.test_a_boundary"},
	{"rules/escalation.rego", `	not _denied(layer, request)`, `	layer`, "what denies", "escalation_test.test_what_is_denied"},
	{"rules/escalation.rego", `		condition.context_key == "iam:passedtoservice"
`, ``, "conditions that need not hold", "escalation_test.test_what_is_denied"},
	{"rules/escalation.rego", `conditions.test(condition) > -1`, `conditions.test(condition) > -2`, "which service it is", "escalation_test.test_to_which"},
	{"rules/escalation.rego", `_may_be_on(element, _) if element.templates != []`, `_may_be_on(element, _) if element.templates == null`,
		"variables", "escalation_test.test_which"},
	{"rules/escalation.rego", `"NotResource"]`, `"Resource"]`, "the one that is left", "escalation_test.test_all_are"},
	{"rules/escalation.rego", `_may_be_of_iam(statement) if statement.NotAction`, `_may_be_of_iam(statement) if statement.NoAction`,
		"NotAction", "escalation_test.test_"},
	{"rules/exceptions.rego", `finding.category != "integrity"`, `finding.category == "integrity"`, "what nothing covers", "exceptions_test.test_"},
	{"rules/exceptions.rego", `+ 86400000000000`, `+ 0`, "the last day", "exceptions_test.test_until"},
	{"rules/exceptions.rego", `until[max(object.keys(until))]`, `until[min(object.keys(until))]`, "the longest", "exceptions_test.test_the_one"},
	{"rules/exceptions.rego", `count(_whole) > 1`, `count(_whole) > 0`, "that two halves are needed", "exceptions_test.test_stale"},
	{"rules/exceptions.rego", `not startswith(exception.resource, "urn:pulumi:")`, `startswith(exception.resource, "y")`, "URNs", "exceptions_test.test_malformed"},
	{"rules/acls.rego", `permission in {permitted.permission, "FULL_CONTROL"}`, `permission == permitted.permission`, "all permissions at once",
		"acls_test.test_texts"},
	{"rules/acls.rego", `	not _shown(resource.inputs[property])`, `	_shown(resource.inputs[property])`, "what is not known", "acls_test.test_not_known"},
	{"rules/elsewhere.rego", `if contains(text, ` + "`\"Statement\"`" + `)`, `if contains(text, "x")`, "what is a policy", "elsewhere_test.test_policies"},
	{"rules/elsewhere.rego", `	not resource.type in _grant_nothing`, `	resource.type`, "what only bounds", "elsewhere_test.test_what_only"},
	{"rules/exposure.rego", `replace(replace(pattern, "*", "z9"), "?", "z")`, `standins.instance(pattern)`, "a Deny of some resources", "exposure_test.test_a_deny"},
	{"rules/exposure.rego", `for_anybody(statement) if statement.principal.names == "everyone"`, `for_anybody(statement) if statement.principal.names == "nobody"`,
		"everybody", "exposure_test.test_open"},
	{"rules/exposure.rego", `else := {"severity": "high", "witness": null} if _too_much`, `else := {"severity": "medium", "witness": null} if _too_much`,
		"that what was not tried bounds nobody", "exposure_test.test_too_much"},
	{"rules/exposure.rego", `"aws:principalorgid", _, _) := ["o-stranger00"]`, `"aws:principalorgid", _, _) := ["o-1"]`,
		"whose organization it is", "exposure_test.test_open"},
	{"rules/exposure.rego", `	every named in statement.principal.names {
		named[0] == "AWS"`, `	some named in statement.principal.names
	every x in [named] {
		x[0] == "AWS"`, "that others than the account are named too", "exposure_test.test_only_delegates"},
	{"rules/findings.rego", `{"critical", "high", "medium"}`, `{"critical", "high", "medium", "low"}`, "what blocks", "findings_test.test_on_statement"},
	{"rules/findings.rego", `rule.custom.category != "integrity"`, `rule.custom.category != "x"`, "what has no fingerprint", "findings_test.test_no_fingerprint"},
	{"rules/hardening.rego", `"name": "ownership", "severity": "medium"`, `"name": "ownership", "severity": "low"`, "how bad it is", "hardening_test.test_missing"},
	{"rules/hardening.rego", `== "BucketOwnerEnforced"`, `!= "ObjectWriter"`, "other owners", "hardening_test.test_"},
	{"rules/hardening.rego", `versioningConfiguration.status == "Enabled"`, `versioningConfiguration.status`, "suspended versions", "hardening_test.test_"},
	{"rules/hardening.rego", `resource.inputs.versioning.enabled == true`, `resource.inputs.versioning`, "versions that are off", "hardening_test.test_an_older"},
	{"rules/access.rego", `_has_a_say(resource) if resource.urn in _carriers`, `_has_a_say(resource) if not resource.urn in _carriers`,
		"what carries a policy", "access_test.test_found"},
	{"rules/fingerprints.rego", `0, 32)`, `0, 1)`, "how long they are", "fingerprints_test.test_the_shape"},
	{"rules/publicness.rego", `	not condition.negated`, `	condition.negated != null`, "negated conditions", "publicness_test.test_truth"},
	{"rules/publicness.rego", `condition.missing == -1`, `condition.missing != -1`, "missing keys", "publicness_test.test_truth"},
	{"rules/regions.rego", `provider.type == "pulumi:providers:aws"`, `provider.type != "pulumi:providers:aws"`, "providers", "regions_test.test_found"},
	{"rules/roles.rego", `attachment.kind == "identity"`, `attachment.kind != "identity"`, "which policies are a role's own", "roles_test.test_"},
	{"rules/roles.rego", ` - {resource.urn}`, ``, "whose policy the boundary is", "roles_test.test_a_boundary"},
	{"rules/roles.rego", `path := object.get(resource.inputs, "path", "/")`, `path := object.get(resource.inputs, "path", "")`, "roles without a path", "roles_test.test_"},
	{"rules/stacks.rego", `diagnostic.severity == "error"`, `diagnostic.severity == "warning"`, "errors", "stacks_test.test_incomplete"},
	{"rules/stacks.rego", `contents.changeSummary.same > shown`, `contents.changeSummary.same >= shown`, "when all is shown", "stacks_test.test_incomplete"},
	{"rules/stacks.rego", `	not state.delete`, `	state`, "what is to be deleted", "stacks_test.test_resources"},
	{"rules/stacks.rego", `_gone := {"delete", `, `_gone := {`, "what is deleted", "policies_test.test_states"},
	{"rules/standins.rego", `combinations <= 2048`, `combinations > 2048`, "how much to try", "standins_test.test_contexts"},
	{"rules/standins.rego", `{text, _shifted(text, 1), _shifted(text, -1)}`, `{text}`, "numbers beside", "standins_test.test_contexts"},
	{"rules/standins.rego", `condition.set in {"ForAllValues", "ForAnyValue"}`, `condition.set in {"ForAllValues"}`, "sets", "standins_test.test_contexts"},
	{"rules/transport.rego", `statement.effect == "Deny"]
	not _one_refuses_all(denies, surface, choices)
	stopped`, `statement.effect == "Allow"]
	not _one_refuses_all(denies, surface, choices)
	stopped`, "what denies", "transport_test.test_not_refused"},
	{"rules/transport.rego", `	statement.principal.names == "everyone"`, `	statement.principal`, "whom the one Deny is for", "transport_test.test_"},
	{"rules/transport.rego", `	_names_all(statement.source.Resource, surface)`, `	statement.source.Resource`, "what the one Deny is for", "transport_test.test_"},
	{"rules/transport.rego", `lower(action) in {"*", concat("", [surface.service, ":*"])}`, `lower(action) != ""`, "what the one Deny refuses", "transport_test.test_"},
	{"rules/transport.rego", `surface.all - {pattern`, `surface.all & {pattern`, "all that the one Deny is for", "transport_test.test_"},
	{"rules/transport.rego", `	every context in standins.contexts(statement.conditions, choices) {`, `	some context in standins.contexts(statement.conditions, choices)
	every x in [context] {
		x == context`, "when the one Deny holds", "transport_test.test_"},
	{"rules/transport.rego", `["Resource", "NotResource"]`, `["Resource"]`, "NotResource", "transport_test.test_not_refused"},
	{"rules/transport.rego", `if attached.kind == "queue"`, `if attached.kind == "topic"`, "queues", "transport_test.test_surface"},
	{"rules/canary.rego", `	not spoke`, `	spoke`, "which rules are silent", "canary_test.test_silent"},
	{"rules/keys.rego", `"s3:PutObject": "kms:GenerateDataKey"`, `"s3:PutObject": "kms:Decrypt"`, "what writing needs", "keys_test.test_what_is_done"},
	{"rules/keys.rego", `	count(documents) == count(read)`, `	documents`, "policies that are not known", "keys_test.test_what_is_not"},
	{"rules/keys.rego", `	use.role.account != use.encryption.account`, `	use.role`, "who can use AWS's own key", "keys_test.test_the_key_of_aws"},
	{"rules/keys.rego", `	not key.resource.stack in _adrift`, `	key`, "policies of which it is not known for which key they are", "keys_test.test_a_policy"},
	{"rules/managed.rego", `_severity(name) := "critical"`, `_severity(name) := "high"`, "what hands over permissions", "managed_test.test_broad"},
	{"rules/managed.rego", `:iam::aws:policy/`, `:iam::.*:policy/`, "whose policy it is", "managed_test.test_whose"},
	{"rules/missing.rego", `	not _has_policy(resource, kind.property)`, `	_has_policy(resource, kind.property)`, "what has a policy", "missing_test.test_"},
	{"rules/missing.rego", `[_kinds[resource.type].title, name] in _named`, `[_, name] = _named[_]`, "which kind a policy is for", "missing_test.test_"},
	{"rules/outputs.rego", `	not value in there`, `	value in there`, "what is there", "outputs_test.test_what"},
	{"rules/outputs.rego", `	count(ids) == count(named)`, `	count(ids) > 0`, "roles of which nothing is known", "outputs_test.test_what_agrees"},
	{"rules/outputs.rego", `	value := told[output]`, `	value := told.x`, "what a parameter shares", "outputs_test.test_what_is_stale"},
	{"rules/outputs.rego", `if exports.roleArn in _arns_by_stack[of]`, `if exports.x`, "which role it is that is exported", "outputs_test.test_what"},
	{"rules/permissions.rego", `	count(conditions) == count(given)`, `	conditions`, "sources that are not known", "permissions_test.test_what"},
	{"rules/permissions.rego", `	not _of_a_bucket(resource)`, `	resource`, "buckets, whose ARN tells no account", "permissions_test.test_"},
	{"rules/trust.rego", `regex.match(` + "`[*?]`" + `, _tenant(pattern, prefix))`, `prefix == pattern`, "tenants that are not named", "trust_test.test_web"},
	{"rules/trust.rego", `[null, "something-else"]`, `["something-else"]`, "tokens without an audience that is asked for", "trust_test.test_web"},
	{"rules/trust.rego", `	not contains(provider, ":saml-provider/")`, `	provider`, "which provider it is", "trust_test.test_what"},
	{"rules/trust.rego", `> -1 with`, `> 0 with`, "conditions that are not settled", "trust_test.test_"},
}

// Whatever line of the rules breaks, the Rego tests beside them notice.
func TestRuleMutations(t *testing.T) {
	for _, mutation := range ruleMutations {
		t.Run(mutation.file+": "+mutation.broken, func(t *testing.T) {
			t.Parallel()
			modules, store := modulesOnDisk(t)
			text, err := os.ReadFile(mutation.file)
			if err != nil {
				t.Fatal(err)
			}
			if found := strings.Count(string(text), mutation.old); found != 1 {
				t.Fatalf("%s has the text to be replaced %d times, not once: break this in another way\n%s", mutation.file, found, mutation.old)
			}
			broken := strings.Replace(string(text), mutation.old, mutation.new, 1)
			options := ast.ParserOptions{RegoVersion: ast.RegoV1, ProcessAnnotation: true}
			if modules[mutation.file], err = ast.ParseModuleWithOpts(mutation.file, broken, options); err != nil {
				t.Fatal(err)
			}
			results := runRegoTestsOf(t, modules, store, mutation.tests, nil)
			if len(results) == 0 {
				t.Fatalf("no Rego test is called %s", mutation.tests)
			}
			if !slices.ContainsFunc(results, func(r *tester.Result) bool { return !r.Pass() }) {
				t.Errorf("%s still pass with %q in place of %q", mutation.tests, mutation.new, mutation.old)
			}
		})
	}
}

// Every module is broken at least once.
func TestRuleMutationsOfEveryModule(t *testing.T) {
	files, err := filepath.Glob("rules/*.rego")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "../policies.rego") {
		isTest := strings.HasSuffix(file, regoTestSuffix)
		if !isTest && !slices.ContainsFunc(ruleMutations, func(m ruleMutation) bool { return m.file == file }) {
			t.Errorf("no mutation of %s", file)
		}
	}
}
