# METADATA
# title: ARNs
# description: |
#   Patterns of ARNs match component by component: a wildcard stays between two colons, only the part behind the fifth colon takes
#   colons and slashes in. What AWS leaves open hangs on the kind of the ARN that is matched, so there is a matcher for each kind.
# related_resources:
#   - description: Amazon Resource Names (ARNs)
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
#   - description: IAM JSON policy elements, Resource
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
package iam.arns

import data.iam.patterns

# METADATA
# title: The kind of an ARN
# description: |
#   plain (a bucket, object, queue or topic, whose names stand without a type), typed (as in `function:NAME`) or role (of IAM).
#   Undefined for a text that is no ARN.
kind(text) := "plain" if regex.match(`^arn:[^:]*:(?:s3:::|(?:[^:]*:){3}[^:/]*$|(?:sqs|sns):(?:[^:]*:){2})`, text)

else := "role" if regex.match("^arn:[^:]*:iam:[^:]*:[^:]*:role/", text)

else := "typed" if regex.match("^arn:(?:[^:]*:){4}", text)

# METADATA
# title: The matchers of ARN patterns
# description: One for each kind of ARN. The patterns are escaped, see `iam.patterns`.
matchers(arn_patterns) := {
	"plain": _with(typed, [part.certain | some part in parts; part.wild_type]),
	"typed": typed,
	# AWS does not regard the letter case of a role's name when it makes one, and does not say how it matches it.
	"role": {"certain": typed.certain, "possible": concat("", ["(?i)", typed.possible])},
} if {
	parts := [part | some pattern in arn_patterns; part := _part(pattern)]
	typed := patterns.matcher(
		[part.certain | some part in parts; not part.wild_type],
		# What is no ARN may mean anything.
		array.concat([part.possible | some part in parts], [".*" | count(parts) < count(arn_patterns)]),
	)
}

else := {of_kind: patterns.matcher([], []) | some of_kind in ["plain", "typed", "role"]}

_with(matcher, certain) := matcher if certain == []

else := {"certain": concat("|", [matcher.certain, patterns.matcher(certain, []).certain]), "possible": matcher.possible}

# METADATA
# title: The matchers of an ARN pattern with its variables filled in
# description: Takes what `iam.variables.fill_in` makes of it.
filled_in(filled) := {of_kind: {"certain": strict[of_kind].certain, "possible": matcher.possible} |
	strict := matchers([filled.strict | is_string(filled.strict)])
	some of_kind, matcher in matchers([filled.loose])
}

# What stands in front of the fifth colon, and what follows. AWS leaves open the letter case of the former, and whether a wildcard there
# can take in a colon.
_part(pattern) := {
	"certain": concat("", [patterns.expression_between_colons(found[1]), rest]),
	"possible": concat("", ["(?i:", patterns.expression(found[1]), ")", rest]),
	"wild_type": _wild_type(found[2]),
} if {
	found := regex.find_all_string_submatch_n(`^(?s:(arn:(?:[^:]*:){4})(.*))$`, pattern, 1)[0]
	rest := patterns.expression(found[2])
}

# `*` alone stands for every ARN.
_part("*") := {"certain": ".*", "possible": ".*", "wild_type": false}

# `key/*` is documented, `k*` is not: where there are types, it is not said what a wildcard in them does.
_wild_type("*") := false

_wild_type(rest) := regex.match(`^(?:[^/:*?\\]|\\.)*[*?]`, rest) if rest != "*"
