# METADATA
# title: Conditions
# description: |
#   Whether the conditions of a prepared statement hold for the request: all of them must, any of the values of one is enough, and for
#   a negated operator none of its values may match.
# related_resources:
#   - description: IAM JSON policy elements, Condition operators
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
#   - description: Single-valued vs. multivalued context keys
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
package iam.conditions

import data.iam.arns
import data.iam.operators
import data.iam.patterns
import data.iam.request
import data.iam.unknowns
import data.iam.variables

# METADATA
# title: How far prepared conditions hold
holds(conditions) := 1 if conditions == []

else := min({truth | some condition in conditions; truth := test(condition)})

# METADATA
# title: How far one condition holds
test(condition) := {true: 1, false: -1}[matched != condition.negated] if {
	condition.settled # nothing is open about its values, nor about the request's:
	value := request.context[condition.context_key]
	not contains(value, "-4")
	not value in {"", "[secret]"}
	matched := regex.match(condition.matcher.certain, value)
}

else := _present(condition, value) if value := request.context[condition.context_key]

else := condition.missing

_present(condition, value) := _presence(condition, value) if condition.compares == "presence"

else := _passes(condition, value) if {
	is_string(value)
	value != ""
}

# AWS does not say whether an empty value is a value: what follows from both readings is settled.
else := _agreed(_passes(condition, ""), condition.missing) if value == ""

else := 0 if condition.set == "" # a multivalued key asks for a set operator

else := _set(condition, value) if not "" in value

else := _agreed(_set(condition, value), _set(condition, [one | some one in value; one != ""]))

_presence(condition, value) := 0 if condition.set != ""

else := 0 if value in {"", []}

else := 0 if unknowns.unknown(value)

else := condition.present

_set(condition, values) := min({1} | _truths(condition, values)) if condition.set == "ForAllValues"

# Whether a negated operator asks for one value that is not listed, or for none that is, is not said.
else := _agreed(max(_truths(condition, values)), min(_truths(condition, values))) if {
	condition.negated
	count(values) > 0
}

else := max({-1} | _truths(condition, values))

_truths(condition, values) := {truth | some value in values; truth := _passes(condition, value)}

_agreed(one, other) := one if one == other

else := 0

_passes(condition, value) := 0 if unknowns.unknown(value)

else := 0 - _alike(condition.compares, condition, value) if condition.negated

else := _alike(condition.compares, condition, value)

# --- how far one value of the request is like the values of the condition ---

_alike("text", condition, value) := _text(condition, value)

_alike("folded", condition, value) := _text(condition, value)

_alike("pattern", condition, value) := _text(condition, value)

_alike("bool", condition, value) := _text(condition, value)

_alike("arn", condition, value) := max({-1} | {truth |
	some matchers in array.concat([condition.matchers], [arns.filled_in(filled) |
		some template in condition.templates
		filled := variables.fill_in(template, true)
	])
	truth := patterns.matches(matchers[kind], value)
}) if {
	kind := arns.kind(value)
}

else := 0

_alike("number", condition, value) := _ordered(condition, number) if number := operators.number(value)

else := 0

_alike("date", condition, value) := _ordered(condition, instant) if instant := operators.instant(value)

else := 0

_alike("address", condition, value) := _within(condition, value) if {
	operators.network(value)
	not contains(value, "/")
}

else := 0

_alike("binary", _, _) := 0

_text(condition, value) := patterns.matches(condition.matcher, value) if condition.templates == []

else := max({patterns.matches(matcher, value) |
	some matcher in array.concat([condition.matcher], [_filled_in(condition, filled) |
		some template in condition.templates
		filled := variables.fill_in(template, condition.wildcards)
	])
})

_filled_in(condition, filled) := patterns.matcher(
	[_expression(condition, filled.strict) | is_string(filled.strict)],
	[_expression(condition, filled.loose)],
)

_expression(condition, pattern) := patterns.folded(patterns.expression(pattern), condition.folded)

_ordered(condition, value) := 1 if {
	some wanted in condition.values
	_sign(value, wanted) in condition.order
}

else := _doubt(condition)

_sign(value, wanted) := 0 if value == wanted

else := -1 if value < wanted

else := 1

# An address of one family is in no network of the other.
_within(condition, value) := 1 if {
	some network in condition.networks
	net.cidr_contains(network, value)
}

else := _doubt(condition)

# A value of the policy that is not known, or no number, date or network, may have been meant to match.
_doubt(condition) := 0 if condition.doubt

else := -1
