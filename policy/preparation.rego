# METADATA
# title: Preparation
# description: |
#   Turns a policy document into what a decision needs of it: elements become arrays, patterns regular expressions, condition values
#   numbers and instants. It depends on the document alone, so that a document is prepared once and decided upon many times; the
#   engine in Go keeps prepared documents. What is prepared is well-formed (see `iam.documents`) or unknown.
package iam.preparation

import data.iam.arns
import data.iam.operators
import data.iam.patterns
import data.iam.unknowns
import data.iam.variables

# METADATA
# title: The prepared case
# description: The input as a case with its documents prepared, each layer an array of documents, each level of a layer one of layers.
prepared_case := {
	"request": input.request,
	"identity": _named(input.identityPolicies),
	"resource": [object.union(document(policy), {"name": "resource policy"}) | policy := input.resourcePolicy],
	"boundary": _named(object.get(input, "permissionBoundaries", [])),
	"session": [object.union(document(policy), {"name": "session policy"}) | policy := input.sessionPolicy],
	"scp": _levels(object.get(input, "scps", [])),
	"rcp": _levels(object.get(input, "rcps", [])),
}

# METADATA
# title: The prepared document
# description: |
#   Its statements, each with its `source` and its `index` in the document. What is not known may be anything: an unknown document or
#   statement becomes two of which nothing is settled.
document(policy) := {"statements": [statement |
	version := _get(policy, "Version", "2008-10-17")
	some i, source in _sources(policy)
	some reading in _readings(source)
	statement := object.union(reading, {
		"index": i,
		"source": source,
		"resource": _resource(source, version),
		"principal": _principal(source),
		"conditions": _conditions(_get(source, "Condition", {}), version),
	})
]}

# What is unknown is a text and has no members.
_get(value, member, otherwise) := object.get(value, member, otherwise) if is_object(value)

else := otherwise

_sources(policy) := [policy] if is_string(policy)

else := [policy.Version] if unknowns.unknown(policy.Version)

else := _list(policy.Statement)

# The effect of a statement and the actions it is about: those that `pattern` matches, or with `covers` false, those that it does not;
# `truth` says whether this is settled. What is not known has several readings.
_readings(source) := [_reading(source.Effect, true, 1, actions)] if {
	source.Effect in {"Allow", "Deny"}
	actions := _list(source.Action)
	not unknowns.some_unknown(actions)
}

else := [_reading(source.Effect, false, 1, actions)] if {
	source.Effect in {"Allow", "Deny"}
	actions := _list(source.NotAction)
	not unknowns.some_unknown(actions)
}

else := [_reading(source.Effect, true, 1, _known(source.Action)), _reading(source.Effect, true, 0, ["*"])] if {
	source.Effect in {"Allow", "Deny"}
	source.Action
}

else := [_reading(source.Effect, false, 0, _known(source.NotAction))] if source.Effect in {"Allow", "Deny"}

else := [_reading(effect, true, 0, ["*"]) | some effect in ["Allow", "Deny"]]

_known(actions) := [action | some action in _list(actions); not unknowns.unknown(action)]

# Actions have no line breaks: all of a statement become one regular expression at once.
_reading(effect, covers, truth, actions) := {
	"effect": effect,
	"action": {"covers": covers, "truth": truth, "pattern": concat("", ["^(?s:(?i:", alternatives, "))$"])},
} if {
	alternatives := replace(patterns.expression(concat("\n", actions)), "\n", "|")
}

_named(policies) := [object.union(document(entry.policy), {"name": entry.name}) | some entry in policies]

# Flat, control policies are a single level.
_levels(entries) := [{"level": entry.orgIdentifier, "documents": _named(entry.policies)} | some entry in entries] if {
	entries[0].policies
}

else := [{"level": "", "documents": _named(entries)} | count(entries) > 0]

_list(value) := value if is_array(value)

else := [value]

# The role behind a trust policy is not named in it.
_resource(source, version) := object.union({"covers": true}, _resources(_list(source.Resource), version)) if source.Resource

else := object.union({"covers": false}, _resources(_list(source.NotResource), version)) if source.NotResource

else := object.union({"covers": true}, _resources(["*"], version))

_resources(resources, version) := {
	"matchers": arns.matchers([_arn_pattern(resource) | some resource in resources; not variables.used(resource, version)]),
	"templates": [resource |
		some resource in resources
		variables.used(resource, version)
		regex.match(`^(?:[^:$]*:){5}`, resource) # variables stand behind the fifth colon only
	],
}

# An unknown text, as any that is no ARN, may match anything.
_arn_pattern(text) := "" if unknowns.unknown(text)

else := patterns.of(text, true)

# The names as `[type, name]`; a statement that is about everyone, as all of an identity policy are, has none.
_principal(source) := {"covers": true, "names": _names(source.Principal)} if not _everyone(source)

else := {"covers": false, "names": _names(source.NotPrincipal)} if source.NotPrincipal

else := {"covers": true, "names": "everyone"}

_everyone(source) if not source.Principal

_everyone(source) if source.Principal in {"*", {"AWS": "*"}, {"AWS": ["*"]}}

_names(principal) := [["AWS", principal]] if is_string(principal)

else := [[type, name] | some type, names in principal; some name in _list(names)]

_conditions(blocks, version) := [_unsettled_condition] if is_string(blocks)

else := array.concat(
	[_unsettled_condition | some block in blocks; is_string(block)],
	[_condition(operator, key, wanted, version) |
		some operator, block in blocks
		some key, wanted in block
	],
)

# No request has a key without a name.
_unsettled_condition := {"operator": "", "key": "", "wanted": null, "context_key": "", "missing": 0}

_condition(written, key, wanted, version) := object.union(_comparison(operator.compares, operator, texts, version), {
	"operator": written,
	"wanted": wanted,
	"key": key,
	"context_key": lower(key),
	"set": operator.set,
	"negated": operator.negated,
	"missing": _missing(operator, texts),
	"compares": operator.compares,
}) if {
	operator := operators.parse(written)
	texts := [operators.text(value) | some value in _list(wanted)]
}

# What the condition says of a request without the key.
_missing(operator, texts) := max({_null(text) | some text in texts}) if operator.compares == "presence"

else := 1 if operator.if_exists

else := 1 if operator.set == "ForAllValues"

else := -1 if operator.set == "ForAnyValue"

else := 1 if operator.negated

else := -1

_null(text) := 1 if lower(text) == "true"

else := -1 if lower(text) == "false"

else := 0

_comparison("text", _, texts, version) := _patterns(texts, version, false, false)

_comparison("folded", _, texts, version) := _patterns(texts, version, false, true)

_comparison("pattern", _, texts, version) := _patterns(texts, version, true, false)

# Variables are for texts and ARNs only.
_comparison("bool", _, texts, _) := _patterns(texts, "", false, true)

_comparison("arn", _, texts, version) := {
	"matchers": arns.matchers([_arn_condition(text) | some text in texts; not variables.used(text, version)]),
	"templates": [text | some text in texts; variables.used(text, version)],
}

_comparison("number", operator, texts, _) := _ordered(operator, texts, [number | some text in texts; number := operators.number(text)])

_comparison("date", operator, texts, _) := _ordered(operator, texts, [date | some text in texts; date := operators.instant(text)])

_comparison("address", _, texts, _) := {"networks": networks, "doubt": count(networks) < count(texts)} if {
	networks := [network | some text in texts; network := operators.network(text)]
}

_comparison("binary", _, _, _) := {}

# Whether the key is to be there is the opposite of whether it is to be missing.
_comparison("presence", _, texts, _) := {"present": max({truth | some text in texts; truth := 0 - _null(text)})}

# In a condition, unlike a Resource element, `*` alone is no ARN.
_arn_condition("*") := ""

_arn_condition(text) := _arn_pattern(text) if text != "*"

_ordered(operator, texts, values) := {"order": operator.order, "values": values, "doubt": count(values) < count(texts)}

_patterns(texts, version, wildcards, folded) := {
	"matcher": patterns.matcher(
		[_expression(text, wildcards, folded) | some text in texts; not variables.used(text, version); not unknowns.unknown(text)],
		[".*" | some text in texts; unknowns.unknown(text)],
	),
	"templates": [text | some text in texts; variables.used(text, version)],
	"wildcards": wildcards,
	"folded": folded,
	"settled": _settled(texts, version),
}

default _settled(_, _) := true

_settled(texts, version) := false if {
	some text in texts
	variables.used(text, version)
}

_settled(texts, _) := false if {
	some text in texts
	unknowns.unknown(text)
}

_expression(text, wildcards, folded) := patterns.folded(patterns.expression(patterns.of(text, wildcards)), folded)
