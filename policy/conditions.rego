# METADATA
# title: Conditions
# description: |
#   Whether the Condition element of a statement holds for the request: all operators and all their keys must, any of the values is
#   enough, and for a negated operator none of the values may match.
# related_resources:
#   - description: IAM JSON policy elements, Condition operators
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
#   - description: Single-valued vs. multivalued context keys
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
package iam.conditions

import data.iam.comparisons
import data.iam.request
import data.iam.unknowns

# METADATA
# title: How far the conditions of the statement hold
holds(statement, version) := 1 if not statement.Condition
else := min({1} | {truth |
	some operator, block in statement.Condition
	some key, wanted in block
	truth := test(operator, key, wanted, version)
})

# METADATA
# title: How far one condition holds
# description: One operator with one key and what it is compared with, a scalar or an array.
test(operator, key, wanted, version) := _present(_parsed(operator), value, _texts(wanted), version) if {
	value := request.context[lower(key)]
}
else := _missing(_parsed(operator), _texts(wanted))

_parsed(operator) := {"set": "", "base": operator, "if_exists": false} if comparisons.operators[operator]
else := {"set": parts[1], "base": parts[2], "if_exists": parts[3] == "IfExists"} if {
	parts := regex.find_all_string_submatch_n(`^(?:(ForAllValues|ForAnyValue):)?(.+?)(IfExists)?$`, operator, 1)[0]
}

# A number or boolean in a policy counts as its text.
_texts(wanted) := [wanted] if is_string(wanted)
else := [_text(one) | some one in wanted] if is_array(wanted)
else := [_text(wanted)]

_text(value) := value if is_string(value)
else := json.marshal(value)

_missing(operator, wanted) := max({_null(text, 1) | some text in wanted}) if operator.base == "Null"
else := 1 if operator.if_exists
else := 1 if operator.set == "ForAllValues"
else := -1 if operator.set == "ForAnyValue"
else := 1 if comparisons.operators[operator.base].negated
else := -1

_present(operator, value, wanted, version) := max({_null(text, _absent(operator, value)) | some text in wanted}) if {
	operator.base == "Null"
}
else := _passes(operator, value, wanted, version) if {
	is_string(value)
	value != ""
}
# AWS does not say whether an empty value is a value: what follows from both readings is settled.
else := _agreed(_passes(operator, "", wanted, version), _missing(operator, wanted)) if value == ""
else := 0 if operator.set == "" # a multivalued key asks for a set operator
else := _set(operator, value, wanted, version) if not "" in value
else := _agreed(
	_set(operator, value, wanted, version),
	_set(operator, [one | some one in value; one != ""], wanted, version),
)

_null(wanted, absent) := absent if lower(wanted) == "true"
else := 0 - absent if lower(wanted) == "false"
else := 0

_absent(operator, value) := 0 if operator.set != ""
else := 0 if value in {"", []}
else := 0 if {
	is_string(value)
	unknowns.unknown(value)
}
else := -1

_passes(operator, value, wanted, version) := 0 if unknowns.unknown(value)
else := 0 - max({comparisons.compare(operator.base, value, text, version) | some text in wanted}) if {
	comparisons.operators[operator.base].negated
}
else := max({comparisons.compare(operator.base, value, text, version) | some text in wanted})

_set(operator, values, wanted, version) := min({1} | _truths(operator, values, wanted, version)) if {
	operator.set == "ForAllValues"
}
# Whether a negated operator asks for one value that is not listed, or for none that is, is not said.
else := _agreed(
	max(_truths(operator, values, wanted, version)),
	min(_truths(operator, values, wanted, version)),
) if {
	comparisons.operators[operator.base].negated
	count(values) > 0
}
else := max({-1} | _truths(operator, values, wanted, version))

_truths(operator, values, wanted, version) := {truth |
	some value in values
	truth := _passes(operator, value, wanted, version)
}

_agreed(one, other) := one if one == other
else := 0
